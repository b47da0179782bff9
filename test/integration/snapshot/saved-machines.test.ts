/** Machines that are saved while they run, and machines that go on from there; the guest is a disk that counts. */
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { MachineOverrides } from "../../../src/generated/machine.ts";
import { saveMachine } from "../../../src/snapshot/save-machine.ts";
import type { SavedMachine } from "../../../src/snapshot/saved-machine.ts";
import { SnapshotStore } from "../../../src/snapshot/snapshot-store.ts";
import {
  type CountingImage,
  CountingMachine,
  countIn,
  countOnDisk,
  expectOneInstant,
  factsOf,
  machineOf,
  makeDataDisk,
  makeImage,
} from "./counting-machine.ts";

const UEFI_MS = 50_000;

let directory: string;
let image: CountingImage;
let store: SnapshotStore;
let count = 0;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "bx-s-"));
  image = await makeImage(join(directory, "image"));
  store = await SnapshotStore.open({
    directory: join(directory, "s"),
    images: { pin: async () => {} },
    reserveBytes: 0,
  });
});

afterAll(async () => {
  expect(await readdir(join(directory, "s", "staging"))).toEqual([]);
  await rm(directory, { recursive: true });
});

function folder(): string {
  return join(directory, `m${count++}`);
}

async function boot(payload: MachineOverrides = {}, more: Parameters<typeof CountingMachine.boot>[3] = {}) {
  const machine = await CountingMachine.boot(folder(), image, machineOf(payload), more);
  await machine.countsOn(0);
  return machine;
}

describe("a machine that is saved", () => {
  it("goes on, and others go on from there, which share nothing with it", async () => {
    await using original = await boot();
    const saved = await saveMachine(store, original, { facts: factsOf(original.machine) });
    const at = await countIn(join(saved.directory, "memory"));
    expect(original.vm.state).toBe("running");
    await original.countsOn();
    await using first = await CountingMachine.restore(folder(), image, saved);
    await using second = await CountingMachine.restore(folder(), image, saved);
    expect([await first.count(), await second.count()]).toEqual([at, at]);
    await first.vm.resume();
    await first.countsOn();
    expect(await second.count()).toBe(at);
    await second.vm.resume();
    await second.countsOn();
    await original.countsOn();
    const inodes = await Promise.all(
      [original, first, second].flatMap(({ memoryFile, disk }) => [memoryFile, disk.file]).map((file) => stat(file)),
    );
    expect(new Set(inodes.map(({ ino }) => ino)).size).toBe(6);
    // Nothing of it has changed meanwhile.
    expect(await countIn(join(saved.directory, "memory"))).toBe(at);
    expect(await store.find(saved.id)).toMatchObject({ kind: "machine" });
    await expectOneInstant(join(saved.directory, "memory"), join(saved.directory, "disk.0.qcow2"));
    // Each wrote to its own disk all the time.
    for (const machine of [original, first, second]) {
      expect(machine.vm.console.tail).not.toContain("E");
      await machine.vm.capture(join(machine.disk.directory, "end"));
      await expectOneInstant(machine.memoryFile, machine.disk.file);
    }
  });

  it("is saved again and again, and so is one that goes on from there, whose snapshot may be gone by then", async () => {
    await using original = await boot();
    const counts: number[] = [];
    for (let round = 0; round < 3; round++) {
      await original.countsOn();
      const saved = await saveMachine(store, original, { facts: factsOf(original.machine) });
      counts.push(countOnDisk(join(saved.directory, `disk.${round}.qcow2`)));
      expect(saved.record.layers).toBe(round + 1);
      if (round < 2) await store.remove(saved.id);
      else {
        await using heir = await CountingMachine.restore(folder(), image, saved);
        await original[Symbol.asyncDispose]();
        await rm(original.disk.directory, { recursive: true });
        await store.remove(saved.id);
        await heir.vm.resume();
        await heir.countsOn();
        const again = await saveMachine(store, heir, { facts: factsOf(heir.machine) });
        expect(countOnDisk(join(again.directory, "disk.3.qcow2"))).toBeGreaterThan(counts[2] as number);
      }
    }
    expect(counts).toEqual([...new Set(counts)].sort((a, b) => a - b));
  });

  it("stays paused if it was, and can be saved again then", async () => {
    await using machine = await boot();
    await machine.vm.pause();
    const at = await machine.count();
    const saved = await saveMachine(store, machine, { facts: factsOf(machine.machine) });
    expect(machine.vm.state).toBe("paused");
    expect([await machine.count(), await countIn(join(saved.directory, "memory"))]).toEqual([at, at]);
    await saveMachine(store, machine, { facts: factsOf(machine.machine) });
    expect(machine.vm.state).toBe("paused");
    await machine.vm.resume();
    await machine.countsOn();
  });

  it("goes on when it cannot be saved, and when nobody wants it any more", async () => {
    await using machine = await boot();
    const stateFile = join(machine.disk.directory, "state");
    const save = async () => {
      throw new Error("no room");
    };
    await expect(machine.vm.checkpoint({ stateFile, save })).rejects.toThrow("no room");
    await machine.countsOn();
    await rm(stateFile);
    const stop = new AbortController();
    const forever = () => {
      stop.abort(new Error("never mind"));
      return new Promise<never>(() => {});
    };
    await expect(machine.vm.checkpoint({ stateFile, save: forever, signal: stop.signal })).rejects.toThrow(
      "never mind",
    );
    await machine.countsOn();
    // The file is there already: the transfer breaks off.
    await expect(machine.vm.checkpoint({ stateFile, save: async () => {} })).rejects.toThrow();
    await machine.countsOn();
    await rm(stateFile);
    await machine.vm.checkpoint({ stateFile, save: async () => {} });
    await machine.countsOn();
    expect(machine.vm.state).toBe("running");
  });

  it("says so when it has ended meanwhile", async () => {
    await using machine = await boot();
    const stateFile = join(machine.disk.directory, "state");
    const save = async () => {
      machine.vm.kill();
      await machine.vm.done;
    };
    await expect(machine.vm.checkpoint({ stateFile, save })).rejects.toMatchObject({ code: "machine-gone" });
  });

  it("is refused, and goes on, if it has a device that QEMU cannot save", async () => {
    await using machine = await boot({ storage: "nvme" });
    const stateFile = join(machine.disk.directory, "state");
    await expect(machine.vm.checkpoint({ stateFile, save: async () => {} })).rejects.toThrow(/nvme/);
    // It is known before anything is done to it.
    await expect(saveMachine(store, machine, { facts: factsOf(machine.machine) })).rejects.toMatchObject({
      code: "machine-unsavable",
    });
    expect(machine.disk.layers).toBe(1);
    await machine.countsOn();
  });

  it("takes along what its board remembers: the variables of UEFI, and its TPM", async () => {
    await using machine = await CountingMachine.boot(folder(), image, machineOf({ firmware: "uefi", tpm: true }));
    // The firmware is its guest: it starts nothing that has no file system.
    await vi.waitFor(() => expect(machine.vm.console.tail).toMatch(/BdsDxe: (No bootable option|failed)/), UEFI_MS);
    const saved = await saveMachine(store, machine, { facts: factsOf(machine.machine) });
    await using heir = await CountingMachine.restore(folder(), image, saved);
    const own = ["firmware-variables.fd", "tpm/tpm2-00.permall"];
    for (const [index, name] of ["firmware", "tpm"].entries()) {
      const kept = await readFile(join(saved.directory, name));
      for (const { disk } of [machine, heir]) {
        expect(kept.equals(await readFile(join(disk.directory, own[index] as string))), name).toBe(true);
      }
      expect(saved.record.files).toContainEqual(expect.objectContaining({ name, sha256: expect.any(String) }));
    }
    await heir.vm.resume();
    expect(heir.vm.state).toBe("running");
  });

  it("has the disks that were in its places", async () => {
    await using machine = await boot({}, { diskSlots: 2 });
    const diskFile = join(machine.disk.directory, "more");
    await makeDataDisk(diskFile, 8 * 1_048_576);
    const disk = { diskFile, format: "raw", sizeBytes: 8 * 1_048_576 } as const;
    await machine.vm.insertDisk(1, disk);
    const savable = {
      vm: machine.vm,
      disk: machine.disk,
      memoryFile: machine.memoryFile,
      dataDisks: new Map([[1, disk]]),
    };
    const saved = await saveMachine(store, savable, { facts: factsOf(machine.machine, { diskSlots: 2 }) });
    await using heir = await CountingMachine.restore(folder(), image, saved);
    await heir.vm.resume();
    await heir.countsOn();
    await heir.vm.ejectDisk(1);
    await machine.countsOn();
  });

  it.each<[{ name?: string; description?: string }, object]>([
    [{ name: "taken" }, { code: "snapshot-exists" }],
    [{ name: "a b" }, { code: "invalid-input", message: expect.stringMatching(/name: must be letters/) }],
    [{ description: "" }, { code: "invalid-input", blame: "task" }],
  ])("is not held where it could not be kept as %j", async (facts, refused) => {
    await using machine = await boot();
    if (facts.name === "taken") await saveMachine(store, machine, { facts: factsOf(machine.machine, facts) });
    const { layers } = machine.disk;
    await expect(saveMachine(store, machine, { facts: factsOf(machine.machine, facts) })).rejects.toMatchObject(
      refused,
    );
    expect(machine.disk.layers).toBe(layers);
  });

  it("has CDs of its own, and copies of those that are somebody else's", async () => {
    await using machine = await boot();
    const [own, theirs] = [join(machine.disk.directory, "own.iso"), join(directory, "theirs.iso")];
    for (const file of [own, theirs]) await writeFile(file, "before");
    const cdroms = [own, theirs].map((file) => ({ drive: "board", file }) as const);
    const { vm, disk, memoryFile } = machine;
    const saved = await saveMachine(store, { vm, disk, memoryFile, cdroms }, { facts: factsOf(machine.machine) });
    const inode = async (file: string) => (await stat(file)).ino;
    expect(await inode(join(saved.directory, "cd.0.iso"))).toBe(await inode(own));
    await writeFile(theirs, "after, and longer");
    expect(await readFile(join(saved.directory, "cd.1.iso"), "utf8")).toBe("before");
    expect(await store.find(saved.id)).toMatchObject({ kind: "machine" });
  });

  it("is saved where its guest has panicked", async () => {
    const saved = Promise.withResolvers<SavedMachine>();
    const facts = () =>
      factsOf(machine.machine, { kind: "failed", source: { task: { taskId: "t", runId: 0, reason: "panic" } } });
    const onPanic = async () => saved.resolve(await saveMachine(store, machine, { facts: facts() }));
    await using machine = await boot({}, { onPanic });
    await machine.panic();
    await using heir = await CountingMachine.restore(folder(), image, await saved.promise);
    expect(await machine.vm.done).toMatchObject({ cause: "guest-panic" });
    await heir.vm.resume();
    await heir.countsOn();
  });

  it("is killed when its guest has panicked, whatever becomes of its snapshot", async () => {
    const onPanic = () => Promise.reject(new Error("no room"));
    await using machine = await boot({}, { onPanic });
    await machine.panic();
    expect(await machine.vm.done).toMatchObject({ cause: "guest-panic" });
  });

  it.each<MachineOverrides>([
    {
      chipset: "pc",
      storage: "ide-hd",
      network: "e1000",
      graphics: "qxl-vga",
      usb: "piix3-usb-uhci",
      tablet: "none",
      sound: "AC97",
    },
    {
      storage: "virtio-scsi-pci",
      network: "e1000e",
      graphics: "vmware-svga",
      sound: "hda-duplex/intel-hda",
      balloon: true,
    },
    { tpm: true },
    { firmware: "bios", graphics: "bochs-display", usb: "qemu-xhci", network: "rtl8139" },
  ])("goes on with %o", async (payload) => {
    await using machine = await boot(payload);
    const saved = await saveMachine(store, machine, { facts: factsOf(machine.machine) });
    await machine.countsOn();
    await using heir = await CountingMachine.restore(folder(), image, saved);
    await heir.vm.resume();
    await heir.countsOn();
  });
});
