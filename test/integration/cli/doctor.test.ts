import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { tunDevice } from "../../../src/cli/doctor/checks.ts";
import type { Check } from "../../../src/cli/doctor/report.ts";
import { runCli } from "../../../src/cli/program.ts";
import { resolveConfig } from "../../../src/config/config.ts";

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "boxcar-doctor-"));
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(directory, { recursive: true });
});

async function doctor(flags: readonly string[], settings: object) {
  const document = { stateDir: join(directory, "state"), accelerator: "tcg", ...settings };
  const host = { memoryMiB: 8_192, cpus: 2 };
  const surroundings = { env: {}, uid: 0, home: directory, host };
  const config = resolveConfig(document, surroundings);
  const streams = { stdin: new PassThrough(), stdout: new PassThrough(), stderr: new PassThrough() };
  let exitCode: number | undefined;
  await runCli(["doctor", ...flags], {
    ...streams,
    cwd: directory,
    signal: new AbortController().signal,
    surroundings,
    hurry: new AbortController().signal,
    loadConfig: async () => config,
    setExitCode: (code) => {
      exitCode = code;
    },
  });
  streams.stdout.end();
  return { exitCode, stdout: await text(streams.stdout) };
}

async function checks(settings: object): Promise<{ exitCode: number | undefined; byId: Map<string, Check> }> {
  const { exitCode, stdout } = await doctor(["--json"], settings);
  const report = JSON.parse(stdout) as { healthy: boolean; checks: Check[] };
  expect(report.healthy).toBe(exitCode === 0);
  return { exitCode, byId: new Map(report.checks.map((check) => [check.id, check])) };
}

describe("boxcar doctor", () => {
  it("finds what tests need, and says how to get the image that is not there", async () => {
    const { exitCode, byId } = await checks({});
    expect(exitCode).toBe(0);
    expect(byId.get("qemu")).toMatchObject({ status: "ok", detail: expect.stringMatching(/version \d/) });
    expect(byId.get("accelerator")).toMatchObject({ status: "ok" });
    expect(byId.get("image")).toMatchObject({ status: "warn", remedy: expect.stringContaining("boxcar image build") });
  });

  it("has a remedy for everything that is not well", async () => {
    const { byId } = await checks({ accelerator: "auto" });
    for (const { id, status, remedy } of byId.values()) {
      expect(remedy === undefined, `${id}: ${status}`).toBe(status === "ok");
    }
  });

  it("fails where QEMU is missing, and names the package", async () => {
    const { exitCode, byId } = await checks({ accelerator: "auto", qemu: { binary: "no-such-qemu" } });
    expect(exitCode).toBe(1);
    expect(byId.get("qemu")).toMatchObject({
      status: "fail",
      detail: "no-such-qemu is not installed",
      remedy: expect.stringContaining("qemu-system-x86"),
    });
  });

  it("says which mode networks have, and fails where it is not the one that is asked for", async () => {
    const { byId } = await checks({ network: { mode: "user" } });
    expect(byId.get("network")).toEqual({ id: "network", status: "ok", detail: "mode user" });

    // No compiler is there.
    vi.stubEnv("PATH", directory);
    const auto = await checks({ network: { mode: "auto" } });
    expect(auto.byId.get("network")).toMatchObject({
      status: "warn",
      detail: expect.stringMatching(/^mode user, because /),
    });
    const namespace = await checks({ network: { mode: "namespace" } });
    expect(namespace.exitCode).toBe(1);
    expect(namespace.byId.get("network")).toMatchObject({
      status: "fail",
      remedy: expect.stringContaining("network.mode"),
    });
  });

  it("tells a device that is not there from one that this user may not open", async () => {
    expect(await tunDevice(join(directory, "no-tun"))).toMatchObject({
      status: "warn",
      remedy: expect.stringContaining("modprobe tun"),
    });
    const closed = join(directory, "file", "tun");
    await writeFile(join(directory, "file"), "");
    expect(await tunDevice(closed)).toMatchObject({
      status: "warn",
      remedy: expect.stringContaining(`chmod 666 ${closed}`),
    });
  });

  it("looks for every program that is run, and names the package of one that is not there", async () => {
    const used = [
      "qemu",
      "setpriv",
      "prlimit",
      "zstd",
      "mmdebstrap",
      "apt-config",
      "dpkg-deb",
      "depmod",
      "sfdisk",
      "mtools",
      "grub-mkimage",
      "genisoimage",
      "xz",
      "qemu-img",
      "mke2fs",
      "nft",
      "ip",
      "tc",
      "nsenter",
      "cc",
    ];
    const { byId } = await checks({});
    for (const id of used) expect(byId.get(id)?.detail, id).toMatch(/\d/);

    vi.stubEnv("PATH", directory);
    const without = await checks({});
    expect(without.exitCode).toBe(1);
    // These are looked for where Debian has them.
    const elsewhere = ["depmod", "sfdisk", "mke2fs", "nft", "ip", "tc", "nsenter"];
    for (const id of used.filter((id) => !elsewhere.includes(id)))
      expect(without.byId.get(id)?.remedy, id).toMatch(/apt-get install [a-z]/);
  });

  it("fails where the state folder cannot be written, and names the setting", async () => {
    const stateDir = join(directory, "file");
    await writeFile(stateDir, "");
    const { exitCode, byId } = await checks({ stateDir });
    expect(exitCode).toBe(1);
    expect(byId.get("disk")).toMatchObject({ status: "fail", remedy: expect.stringContaining("stateDir") });
  });

  it("prints a line for each check to people", async () => {
    const { stdout } = await doctor([], {});
    expect(stdout).toMatch(/^ok {4}qemu {2,}QEMU emulator/m);
    expect(stdout).toMatch(/^warn {2}image {2,}.+\n +→ .+boxcar image build/m);
  });
});
