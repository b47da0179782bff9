import { chmod, mkdir, mkdtemp, readdir, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { obtainKeeper } from "../../../src/network/namespace/keeper-program.ts";
import { NamespaceNetwork } from "../../../src/network/namespace/namespace-network.ts";
import { probeNetworkMode } from "../../../src/network/namespace/probe.ts";
import { whyNoKernelGuest } from "../../fakes/kernel-guest.ts";

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "boxcar-probe-"));
});

afterAll(() => rm(directory, { recursive: true, force: true }));

describe("the keeper", () => {
  it("is compiled once, by as many as want it at the same time", async () => {
    const cacheDirectory = join(directory, "many");
    const programs = await Promise.all([1, 2, 3].map(() => obtainKeeper(cacheDirectory)));
    expect(new Set(programs).size).toBe(1);
    expect(await readdir(cacheDirectory)).toHaveLength(1);
    expect(await obtainKeeper(cacheDirectory)).toBe(programs[0]);
  });

  it("says what to install where there is no compiler", async () => {
    const programs = join(directory, "programs");
    await mkdir(programs);
    for (const name of ["setpriv", "prlimit"]) await symlink(`/usr/bin/${name}`, join(programs, name));
    vi.stubEnv("PATH", programs);
    try {
      await expect(obtainKeeper(join(directory, "none"))).rejects.toMatchObject({
        code: "network-namespace-failed",
        message: expect.stringMatching(/no C compiler.*gcc/),
      });
    } finally {
      vi.unstubAllEnvs();
    }
  });

  it("is not taken from a folder that others can write to", async () => {
    const cacheDirectory = join(directory, "open");
    await mkdir(cacheDirectory);
    await chmod(cacheDirectory, 0o777);
    await expect(obtainKeeper(cacheDirectory)).rejects.toMatchObject({ code: "directory-not-private" });
  });
});

describe("the mode of networks", () => {
  const cacheDirectory = () => join(directory, "mode");
  const lacking = () => ({ cacheDirectory: cacheDirectory(), tunDevice: join(directory, "no-tun") });

  it("is user where that is asked for, without a reason", async () => {
    expect(await probeNetworkMode({ requested: "user", ...lacking() })).toEqual({ mode: "user", why: undefined });
  });

  it("is user where namespaces cannot be had, with the reason", async () => {
    const answer = await probeNetworkMode({ requested: "auto", ...lacking() });
    expect(answer).toEqual({ mode: "user", why: expect.stringMatching(/^there is no .*no-tun; type "modprobe tun"/) });
  });

  it("is an error where namespaces were asked for and cannot be had", async () => {
    await expect(probeNetworkMode({ requested: "namespace", ...lacking() })).rejects.toMatchObject({
      code: "network-mode-unusable",
      blame: "host",
      message: expect.stringContaining("set network.mode to auto or user"),
    });
  });

  it.skipIf(whyNoKernelGuest() !== undefined)("is namespace where one can be made", async () => {
    const answer = await probeNetworkMode({ requested: "auto", cacheDirectory: cacheDirectory() });
    expect(answer).toMatchObject({ mode: "namespace", means: { userNamespace: false } });
  });

  it.skipIf(whyNoKernelGuest() !== undefined)("is tried out once, unless that is asked for", async () => {
    const options = { requested: "auto", cacheDirectory: cacheDirectory() } as const;
    const namespaces = vi.spyOn(NamespaceNetwork, "open");
    try {
      const first = await probeNetworkMode({ ...options, anew: true });
      expect(namespaces).toHaveBeenCalledTimes(1);
      expect(await probeNetworkMode(options)).toEqual(first);
      expect(namespaces).toHaveBeenCalledTimes(1);
      await probeNetworkMode({ ...options, anew: true });
      expect(namespaces).toHaveBeenCalledTimes(2);
    } finally {
      namespaces.mockRestore();
    }
  });
});
