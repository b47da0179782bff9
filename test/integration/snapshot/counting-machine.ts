/** A machine that counts (test/fixtures/counter), started with memory of its own. */
import { execFileSync } from "node:child_process";
import { mkdir, open, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, vi } from "vitest";
import { Scope } from "../../../src/base/scope.ts";
import type { MachineOverrides } from "../../../src/generated/machine.ts";
import { OwnDisk } from "../../../src/snapshot/own-disk.ts";
import { type RestoredMachine, recordedMachine, restoreMachine } from "../../../src/snapshot/restore-machine.ts";
import type { SavableMachine } from "../../../src/snapshot/save-machine.ts";
import type { SavedMachine, SnapshotFacts } from "../../../src/snapshot/saved-machine.ts";
import { type ResolvedMachine, resolveMachine } from "../../../src/vm/limits.ts";
import type { MachineMemory } from "../../../src/vm/ports.ts";
import { VirtualMachine, type VirtualMachineOptions } from "../../../src/vm/virtual-machine.ts";

const SOURCE = fileURLToPath(new URL("../../fixtures/counter/counter.s", import.meta.url));
const DISK_BYTES = 64 * 1_024 * 1_024;
const COUNT_OFFSET = 0x600;
const PANIC_OFFSET = 0x620;
const WRITTEN_OFFSET = 0x630;

export const DIGEST = `sha256:${"a".repeat(64)}`;

export interface CountingImage {
  files: { "disk.img": string };
  sizes: { virtualBytes: number };
}

export async function makeImage(directory: string): Promise<CountingImage> {
  const [object, disk] = [join(directory, "counter.o"), join(directory, "disk.img")];
  await mkdir(directory, { recursive: true });
  execFileSync("as", ["--32", SOURCE, "-o", object]);
  execFileSync("ld", ["-m", "elf_i386", "-Ttext=0x7c00", "--oformat", "binary", object, "-o", disk]);
  await truncate(disk, DISK_BYTES);
  return { files: { "disk.img": disk }, sizes: { virtualBytes: DISK_BYTES } };
}

export function machineOf(payload: MachineOverrides = {}): ResolvedMachine {
  return resolveMachine({ payload: { memory: 128, ...payload } }, { maxMemory: 8_192, maxCPUs: 1, defaultThreads: 1 });
}

export function factsOf(machine: ResolvedMachine, more: Partial<SnapshotFacts> = {}): SnapshotFacts {
  return {
    kind: "vm",
    created: new Date().toISOString(),
    source: { vm: { id: "0123456789ab" } },
    image: { digest: DIGEST },
    machine: recordedMachine(machine),
    ...{ accelerator: "tcg", qemu: "7.2", cpu: "one" },
    ...more,
  };
}

type More = Partial<VirtualMachineOptions>;

export class CountingMachine implements SavableMachine, AsyncDisposable {
  readonly vm: VirtualMachine;
  readonly disk: OwnDisk;
  readonly memoryFile: string;
  readonly machine: ResolvedMachine;

  private constructor(vm: VirtualMachine, disk: OwnDisk, memoryFile: string, machine: ResolvedMachine) {
    this.vm = vm;
    this.disk = disk;
    this.memoryFile = memoryFile;
    this.machine = machine;
  }

  static async boot(directory: string, image: CountingImage, machine = machineOf(), more: More = {}) {
    await mkdir(directory);
    const disk = await OwnDisk.create(directory, image as never);
    const memory = { kind: "own", memoryFile: join(directory, "memory") } as const;
    return await CountingMachine.#start(directory, { machine, disk, memory }, more);
  }

  static async restore(directory: string, image: CountingImage, saved: SavedMachine, more: More = {}) {
    await mkdir(directory);
    const restored: RestoredMachine = await restoreMachine(saved, directory, image);
    const { dataDisks, diskSlots } = restored;
    return await CountingMachine.#start(directory, restored, { dataDisks, diskSlots, ...more });
  }

  static async #start(
    directory: string,
    { machine, disk, memory }: { machine: ResolvedMachine; disk: OwnDisk; memory: MachineMemory & { kind: "own" } },
    more: More,
  ): Promise<CountingMachine> {
    const vm = await VirtualMachine.start({
      qemuBinary: "qemu-system-x86_64",
      cacheDirectory: join(directory, "..", "cache"),
      accelerator: "tcg",
      machine,
      disk: { diskFile: disk.file, format: "qcow2", directBoot: undefined },
      network: {
        enter: [],
        netdev: (id, fd) => `stream,id=${id},server=off,addr.type=fd,addr.str=${fd}`,
        connect: (link) => void link.resume(),
      },
      memory,
      runDirectory: join(directory, "run"),
      resources: new Scope(),
      ...more,
    });
    return new CountingMachine(vm, disk, memory.memoryFile, machine);
  }

  count(): Promise<number> {
    return countIn(this.memoryFile);
  }

  /** Resolves when it has counted on by more than `from`. */
  async countsOn(from?: number): Promise<number> {
    const start = from ?? (await this.count());
    await vi.waitFor(
      async () => {
        if ((await this.count()) <= start) throw new Error(`still ${start}`);
      },
      { timeout: 50_000, interval: 20 },
    );
    return await this.count();
  }

  /** Has its guest say that it panics. */
  async panic(): Promise<void> {
    await using file = await open(this.memoryFile, "r+");
    await file.write(Buffer.of(1), 0, 1, PANIC_OFFSET);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.vm[Symbol.asyncDispose]();
  }
}

export function countIn(memoryFile: string): Promise<number> {
  return wordIn(memoryFile, COUNT_OFFSET);
}

async function wordIn(memoryFile: string, offset: number): Promise<number> {
  await using file = await open(memoryFile, "r");
  const { buffer } = await file.read(Buffer.alloc(4), 0, 4, offset);
  return buffer.readUInt32LE();
}

/**
 * That memory and disk are of one instant: what the machine knows to be written is on the disk, and nothing later than
 * what it may be writing. The two differ by one where it was stopped just while it wrote.
 */
export async function expectOneInstant(memoryFile: string, diskFile: string): Promise<void> {
  const [count, written] = [await countIn(memoryFile), await wordIn(memoryFile, WRITTEN_OFFSET)];
  expect([written, written + 1]).toContain(count);
  expect([written, count]).toContain(countOnDisk(diskFile));
}

/** What the machine had written to its disk; for disks that nobody writes to. */
export function countOnDisk(diskFile: string): number {
  const out = execFileSync("qemu-io", ["-r", "-f", "qcow2", "-c", "read -v 512 4", diskFile], { encoding: "utf8" });
  const bytes = /^00000200: +((?:[0-9a-f]{2} ){4})/m.exec(out)?.[1] ?? "";
  return Buffer.from(bytes.replaceAll(" ", ""), "hex").readUInt32LE();
}

export async function makeDataDisk(file: string, bytes: number): Promise<void> {
  await writeFile(file, "");
  await truncate(file, bytes);
}
