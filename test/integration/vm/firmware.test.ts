/** Firmware and TPM in a machine that runs: the guest is the firmware itself, which finds nothing to start. */
import { mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { Scope } from "../../../src/base/scope.ts";
import type { MachineOverrides } from "../../../src/generated/machine.ts";
import { resolveMachine } from "../../../src/vm/limits.ts";
import { VirtualMachine } from "../../../src/vm/virtual-machine.ts";

const BOOT_MS = 60_000;
const DISK_BYTES = 1_048_576;

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "bx-fw-"));
});

afterAll(() => rm(directory, { recursive: true }));

async function start(name: string, payload: MachineOverrides) {
  const own = join(directory, name);
  await mkdir(own, { recursive: true });
  const diskFile = join(own, "disk.img");
  await writeFile(diskFile, "");
  await truncate(diskFile, DISK_BYTES);
  const vm = await VirtualMachine.start({
    qemuBinary: "qemu-system-x86_64",
    cacheDirectory: directory,
    accelerator: "tcg",
    machine: resolveMachine({ payload }, { maxMemory: 256, maxCPUs: 1, defaultThreads: 1 }),
    disk: { diskFile, format: "raw", directBoot: undefined },
    network: {
      enter: [],
      netdev: (id, fd) => `stream,id=${id},server=off,addr.type=fd,addr.str=${fd}`,
      connect: (link) => void link.resume(),
    },
    runDirectory: join(own, "run"),
    resources: new Scope(),
  });
  return { vm, own };
}

/** The firmware of a machine without anything to start says so on the serial port. */
async function untilGivenUp(vm: VirtualMachine): Promise<void> {
  await vi.waitFor(
    () => expect(vm.console.tail).toMatch(/BdsDxe: (No bootable option|failed to load)|Shell>/),
    BOOT_MS,
  );
}

describe("UEFI", () => {
  it.each(["uefi", "uefi-secure"] as const)(
    "%s runs, with variables of the machine's own",
    async (firmware) => {
      const { vm, own } = await start(firmware, { firmware });
      await using _vm = vm;
      await untilGivenUp(vm);
      // It has written to them.
      const variables = await stat(join(own, "firmware-variables.fd"));
      expect(variables.mtimeMs).toBeGreaterThan(variables.birthtimeMs);
    },
    BOOT_MS,
  );

  it(
    "finds its TPM, whose program is gone with the machine",
    async () => {
      const { vm, own } = await start("tpm", { firmware: "uefi", tpm: true });
      await using _vm = vm;
      await untilGivenUp(vm);
      expect(await readdir(join(own, "tpm"))).toContain("tpm2-00.permall");
      vm.kill();
      await vm.done;
      expect(await swtpmsBelow(own)).toEqual([]);

      const file = join(own, "firmware-variables.fd");
      const written = await stat(file);
      const again = await start("tpm", { firmware: "uefi", tpm: true });
      await again.vm[Symbol.asyncDispose]();
      expect((await stat(file)).ino).toBe(written.ino);
      // A new TPM would not care.
      await writeFile(join(own, "tpm", "tpm2-00.permall"), "no TPM");
      await expect(start("tpm", { firmware: "uefi", tpm: true })).rejects.toMatchObject({ code: "qemu-failed" });
    },
    2 * BOOT_MS,
  );

  it("gets new variables where those it has are of another firmware", async () => {
    const own = join(directory, "foreign");
    await mkdir(own);
    await writeFile(join(own, "firmware-variables.fd"), "of another");
    const { vm } = await start("foreign", { firmware: "uefi" });
    await vm[Symbol.asyncDispose]();
    expect((await stat(join(own, "firmware-variables.fd"))).size).toBeGreaterThan(10_000);
  });
});

async function swtpmsBelow(folder: string): Promise<string[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const commands = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")));
  return commands.filter((command) => command.startsWith("swtpm") && command.includes(folder));
}
