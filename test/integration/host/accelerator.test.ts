import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { probeAccelerator, runProbe } from "../../../src/host/accelerator.ts";
import { PROBE_EXIT_CODE } from "../../../src/host/probe-sector.ts";

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

describe("what the probe has found", () => {
  /** A program in QEMU's place, which runs `script` and leaves a line for each start. */
  async function fakeQemu(script: string) {
    const qemuBinary = join(cacheDirectory, "qemu");
    const starts = join(cacheDirectory, "starts");
    await writeFile(qemuBinary, `#!/bin/sh\necho start >>${starts}\n${script}\n`, { mode: 0o755 });
    // Where there is none, a probe would not even be tried.
    const kvmDevice = join(cacheDirectory, "kvm");
    await writeFile(kvmDevice, "");
    return {
      options: { requested: "auto", qemuBinary, cacheDirectory, kvmDevice } as const,
      starts: async () => (await readFile(starts, "utf8")).split("\n").length - 1,
    };
  }

  it("is remembered where KVM runs guests", async () => {
    const qemu = await fakeQemu(`exit ${PROBE_EXIT_CODE}`);
    for (const cached of [false, true]) {
      expect(await probeAccelerator(qemu.options)).toEqual({ accelerator: "kvm", cached });
    }
    expect(await qemu.starts()).toBe(1);
  });

  it("is asked again after an hour where a guest hung: the host may only have been busy", async () => {
    const qemu = await fakeQemu("exec tail -f /dev/null");
    let nowMs = Date.now();
    const probe = () => probeAccelerator({ ...qemu.options, timeoutMs: 50, now: () => nowMs });
    expect(await probe()).toMatchObject({ accelerator: "tcg", why: expect.stringContaining("hangs"), cached: false });
    expect(await probe()).toMatchObject({ accelerator: "tcg", why: expect.stringContaining("hangs"), cached: true });
    nowMs += 61 * 60_000;
    expect(await probe()).toMatchObject({ cached: false });
    expect(await qemu.starts()).toBe(2);
  });

  it("is not remembered where the device cannot be opened: that is quick to ask, and to change", async () => {
    const kvmDevice = join(cacheDirectory, "no-kvm");
    const answer = await probeAccelerator({ requested: "auto", qemuBinary: QEMU, cacheDirectory, kvmDevice });
    expect(answer).toMatchObject({ accelerator: "tcg", why: expect.stringContaining(kvmDevice) });
    expect(await readdir(cacheDirectory)).toEqual([]);
  });

  it("has a reason also where QEMU fails without a word", async () => {
    const qemu = await fakeQemu("exit 1");
    const { why } = await probeAccelerator(qemu.options);
    expect(why).toMatch(/QEMU cannot use KVM: .*exit code 1/);
  });
});
