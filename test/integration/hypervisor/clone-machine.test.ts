/** Copies that are made one after the other: what is known of them when one fails, and when nothing is begun at all. */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { VmsSettings } from "../../../src/config/vms.ts";
import type { VmRecord } from "../../../src/generated/vm-record.ts";
import { type CopyMaker, cloneMachine, makeClones, namesOfClones } from "../../../src/hypervisor/clone-machine.ts";
import type { CloneOptions } from "../../../src/hypervisor/direct.ts";
import type { LiveVm } from "../../../src/hypervisor/hypervisor.ts";
import { VmIndex } from "../../../src/hypervisor/index-store.ts";
import { makeWithinLimits } from "../../../src/hypervisor/limits.ts";
import type { QemuHost } from "../../../src/hypervisor/qemu/host.ts";
import { QemuHypervisor } from "../../../src/hypervisor/qemu/qemu-hypervisor.ts";
import type { SavedMachine } from "../../../src/snapshot/saved-machine.ts";
import { SnapshotStore } from "../../../src/snapshot/snapshot-store.ts";
import { draftRecord } from "../../unit/hypervisor/records.ts";
import { type Base, MEMORY_MIB, makeBase, save } from "../snapshot/saved-files.ts";

const signal = new AbortController().signal;

let folder: string;
let base: Base;
let snapshots: SnapshotStore;

beforeEach(async () => {
  folder = await mkdtemp("/tmp/bxc-");
  base = await makeBase(join(folder, "disk.img"));
  snapshots = await openSnapshots();
});

afterEach(() => rm(folder, { recursive: true }));

function openSnapshots(): Promise<SnapshotStore> {
  return SnapshotStore.open({ directory: join(folder, "snapshots"), images: { pin: async () => {} }, reserveBytes: 0 });
}

/** Machines without QEMU. */
class FakeMachines implements CopyMaker {
  readonly made: VmRecord[] = [];
  /** Of these names none is made. */
  readonly refused = new Set<string>();
  /** The guests of these do not come. */
  readonly silent = new Set<string>();
  /** Called when one was saved. */
  onSaved: (id: string) => Promise<void> = async () => {};
  /** Called when one is made of it. */
  onClone: (id: string) => Promise<void> = async () => {};

  async list() {
    return this.made.map((record) => ({ record, isStale: false }));
  }

  async inspect() {
    return { record: draftRecord({ state: "running" }), isStale: false };
  }

  async requireRoom() {}

  async cloneFrom({ id: from }: SavedMachine, { name, wait }: CloneOptions) {
    await this.onClone(from);
    if (this.refused.has(name ?? "")) throw new Error(`${name} is refused`);
    const record = draftRecord({
      id: String(this.made.length).padStart(12, "0"),
      ...(name === undefined ? {} : { name }),
    });
    this.made.push(record);
    if (wait === true) this.#wait(record.id);
    return record;
  }

  async open(id: string) {
    return { waitForGuest: async () => this.#wait(id) } as unknown as LiveVm;
  }

  async save() {
    const { id } = await save(snapshots, base);
    await this.onSaved(id);
    return { id, diskBytes: 1, stillMs: 1 };
  }

  #wait(id: string): void {
    const name = this.made.find((record) => record.id === id)?.name ?? "";
    if (this.silent.has(name)) throw new Error(`${name} is silent`);
  }
}

describe("copies of a saved machine", () => {
  it("are told of as soon as they run, also those whose guest does not come, and counted where one fails", async () => {
    const machines = new FakeMachines();
    const names = namesOfClones("c", 12);
    machines.silent.add("c-3");
    const told: string[] = [];
    const notes: string[] = [];
    const making = makeClones(machines, await save(snapshots, base), {
      ...{ names, wait: true, signal, note: (text) => void notes.push(text) },
      onMade: ({ name }) => void told.push(name ?? ""),
    });
    await expect(making).rejects.toThrow("c-3 is silent");
    expect(told.sort()).toEqual(machines.made.map(({ name }) => name).sort());
    expect(told).toContain("c-3");
    expect(notes).toEqual([`${told.length} of 12 copies were made, and stay`]);
  });

  it("that are made of a machine are there although its snapshot is used by others, or gone, by then", async () => {
    const machines = new FakeMachines();
    await using leases = new AsyncDisposableStack();
    machines.onSaved = async (id) => void leases.use(await (await openSnapshots()).acquire(id));
    const means = { hypervisor: machines, snapshots };
    expect(await cloneMachine(means, "dev", { names: ["one"], signal })).toHaveLength(1);
    // It has not gone, and will.
    expect(await snapshots.list()).toHaveLength(1);
    machines.onSaved = async () => {};
    machines.onClone = (id) => rm(join(folder, "snapshots/machines", id), { recursive: true });
    expect(await cloneMachine(means, "dev", { names: ["two"], signal })).toHaveLength(1);
  });

  it("that fail say why, and not that the snapshot cannot be removed", async () => {
    const machines = new FakeMachines();
    machines.refused.add("one");
    machines.onSaved = (id) => rm(join(folder, "snapshots/machines", id, "state"));
    const making = cloneMachine({ hypervisor: machines, snapshots }, "dev", { names: ["one"], signal });
    await expect(making).rejects.toMatchObject({ code: "snapshot-damaged" });
    expect(await snapshots.list()).toEqual([]);
  });
});

describe("limits of machines", () => {
  it("may be further ones, of who makes them, and hold for all who make one at once", async () => {
    const index = await VmIndex.open(join(folder, "vms"));
    const admit = (there: readonly VmRecord[]) => {
      if (there.length > 2) throw new Error("there are enough");
    };
    const make = async () => {
      await using lock = await index.create((id) => draftRecord({ id, state: "creating" }));
      await lock.write({ ...lock.record, state: "created" });
    };
    const made = await Promise.allSettled(
      Array.from({ length: 6 }, () => makeWithinLimits({ index, vms: {} }, 0, make, admit)),
    );
    expect(made.filter(({ status }) => status === "fulfilled")).toHaveLength(3);
    expect(await index.list()).toHaveLength(3);
  });

  async function open(vms: VmsSettings): Promise<QemuHypervisor> {
    await mkdir(join(folder, "run"), { recursive: true, mode: 0o700 });
    const config = { stateDir: folder, runDir: join(folder, "run"), vms };
    const supervisor = () => ["false"] as const;
    return await QemuHypervisor.open({ host: { config } as unknown as QemuHost, supervisor });
  }

  it.each<[VmsSettings, RegExp]>([
    [{ max: 2 }, /at most 2 machines may be there .* there are 0, and 3 more are wanted/],
    [{ maxMemory: 3 * MEMORY_MIB - 1 }, /95 MiB together .* 0 MiB are taken, and 3 more machines have 96/],
    [{ maxDiskBytes: 10_000 }, /and the new ones need/],
  ])("%j are looked at before the first of several copies is made, or a machine is saved", async (vms, message) => {
    const hypervisor = await open(vms);
    const names = namesOfClones("c", 3);
    const making = makeClones(hypervisor, await save(snapshots, base), { names, signal });
    await expect(making).rejects.toMatchObject({ code: "vm-limits", message: expect.stringMatching(message) });
    expect(await hypervisor.list()).toEqual([]);
    if (vms.maxDiskBytes !== undefined) return;
    await using lock = await hypervisor.index.create((id) =>
      draftRecord({ id, name: "dev", machine: { version: 2, memory: MEMORY_MIB * 3 } }),
    );
    await lock.write({ ...lock.record, state: "running" });
    const before = await snapshots.list();
    const copying = cloneMachine({ hypervisor, snapshots }, "dev", { names, signal });
    await expect(copying).rejects.toMatchObject({ code: "vm-limits" });
    expect(await snapshots.list()).toEqual(before);
  });

  it("are looked at before anything is copied for one", async () => {
    const hypervisor = await open({ maxMemory: MEMORY_MIB - 1 });
    const making = hypervisor.cloneFrom(await save(snapshots, base), { signal });
    await expect(making).rejects.toMatchObject({ code: "vm-limits" });
    expect(await hypervisor.list()).toEqual([]);
  });
});
