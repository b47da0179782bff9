import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { probeAccelerator, runProbe } from "../../../src/host/accelerator.ts";

const QEMU = "qemu-system-x86_64";

let cacheDirectory: string;

beforeEach(async () => {
  cacheDirectory = await mkdtemp(join(tmpdir(), "boxcar-probe-"));
});

afterEach(() => rm(cacheDirectory, { recursive: true }));

describe("the accelerator probe", () => {
  it("ends by itself where guests run", async () => {
    await expect(runProbe("tcg", { qemuBinary: QEMU, cacheDirectory, timeoutMs: 20_000 })).resolves.toBeUndefined();
    expect(await readdir(cacheDirectory)).toEqual([]);
  });

  it("answers `auto` once, with the reason if guests do not run under KVM, and remembers it", async () => {
    const options = { requested: "auto", qemuBinary: QEMU, cacheDirectory } as const;
    const first = await probeAccelerator(options);
    expect(first.cached).toBe(false);
    if (first.accelerator === "tcg") expect(first.why).toMatch(/because .+/);
    expect(await probeAccelerator(options)).toEqual({ ...first, cached: true });
  });

  it("says what is wrong, and what to do, where KVM is asked for and does not run guests", async () => {
    const options = { qemuBinary: QEMU, cacheDirectory } as const;
    const { accelerator } = await probeAccelerator({ ...options, requested: "auto" });
    const asked = probeAccelerator({ ...options, requested: "kvm" });
    if (accelerator === "kvm") await expect(asked).resolves.toMatchObject({ accelerator: "kvm" });
    else
      await expect(asked).rejects.toMatchObject({
        code: "kvm-unusable",
        message: expect.stringMatching(/auto or tcg/),
      });
  });

  it("never probes for the emulator", async () => {
    await expect(
      probeAccelerator({ requested: "tcg", qemuBinary: "no-such-qemu", cacheDirectory }),
    ).resolves.toMatchObject({ accelerator: "tcg" });
  });

  it("names a QEMU that is not there", async () => {
    await expect(runProbe("tcg", { qemuBinary: "no-such-qemu", cacheDirectory })).rejects.toMatchObject({
      code: "command-not-found",
    });
  });
});
