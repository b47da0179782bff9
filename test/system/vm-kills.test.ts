/**
 * A command, a supervisor or QEMU is killed at a random instant of what is done with a machine, again and again. Whatever
 * that was: no machine is lost, no process stays, no name is blocked, and the next command puts things right.
 *
 * BOXCAR_TEST_SEED repeats the choices of a run; when exactly a process dies the host decides, too.
 */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as after } from "node:timers/promises";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { codeOf } from "../../src/base/errors.ts";
import { Scope } from "../../src/base/scope.ts";
import type { VmRecord } from "../../src/generated/vm-record.ts";
import type { QemuHypervisor } from "../../src/hypervisor/qemu/qemu-hypervisor.ts";
import { needlessFiles } from "../../src/hypervisor/qemu/saved-files.ts";
import { isLive, type VmState } from "../../src/hypervisor/states.ts";
import { ImageStore } from "../../src/image/store/image-store.ts";
import type { SavedMachine, SnapshotEntry } from "../../src/snapshot/saved-machine.ts";
import { SnapshotStore } from "../../src/snapshot/snapshot-store.ts";
import { Boxcar } from "./boxcar.ts";
import { openQemu } from "./qemu-hypervisors.ts";
import { COUNTING_IMAGE, importCountingImage } from "./vm-kills/counting-image.ts";
import { findProcesses, kill, type Victim } from "./vm-kills/processes.ts";
import { Random } from "./vm-kills/random.ts";

const SEED = Number(process.env["BOXCAR_TEST_SEED"] ?? Date.now() % 1_000_000);
/** Each has a machine of its own, and knows nothing of the others. */
const LANES = 2;
const KILLS = 100;
const SETTLE_MS = 90_000;

const signal = new AbortController().signal;
const scope = new Scope();
let boxcar: Boxcar;
let hypervisor: QemuHypervisor;
let snapshots: SnapshotStore;

/** What is done with the machine of a lane: by the command line, so that it can be killed, and from here. */
interface Operation {
  /** Brings the machine to where it can be done. */
  prepare(name: string): Promise<void>;
  words(name: string): string[];
  act(name: string): Promise<unknown>;
  /** Default: the machine of the lane. */
  subject?(name: string): string;
  /** What the machine may be afterwards; undefined: it is not there. */
  outcomes: readonly (VmState | undefined)[];
  victims: readonly Victim[];
}

const EVERY: readonly Victim[] = ["command", "supervisor", "emulator"];
const ALIVE: readonly VmState[] = ["created", "running", "stopped", "error"];

const OPERATIONS: Readonly<Record<string, Operation>> = {
  create: {
    prepare: remove,
    words: (name) => ["create", COUNTING_IMAGE, "--name", name, "--cpus", "1", "--cold"],
    act: create,
    outcomes: [undefined, "created"],
    victims: ["command"],
  },
  start: {
    prepare: async (name) => {
      await exist(name);
      await hypervisor.stop(name, { force: true, signal });
    },
    words: (name) => ["start", name],
    act: (name) => hypervisor.start(name, { signal }),
    outcomes: ALIVE,
    victims: EVERY,
  },
  stop: {
    prepare: run,
    words: (name) => ["stop", name, "--force"],
    act: (name) => hypervisor.stop(name, { force: true, signal }),
    outcomes: ALIVE,
    victims: EVERY,
  },
  rm: {
    prepare: run,
    words: (name) => ["rm", name, "--force"],
    act: remove,
    outcomes: [undefined, ...ALIVE],
    victims: EVERY,
  },
  snapshot: {
    prepare: async (name) => {
      await run(name);
      await forget(name);
    },
    words: (name) => ["snapshot", "save", name, savedBy(name)],
    act: save,
    outcomes: ALIVE,
    victims: EVERY,
  },
  clone: {
    prepare: async (name) => {
      await beSaved(name);
      await remove(copyOf(name));
    },
    words: (name) => ["clone", savedBy(name), copyOf(name), "--no-wait"],
    act: (name) => withSaved(name, (saved) => hypervisor.cloneFrom(saved, { name: copyOf(name), signal })),
    subject: copyOf,
    outcomes: [undefined, ...ALIVE],
    victims: EVERY,
  },
  restore: {
    prepare: beSaved,
    words: (name) => ["restore", name, savedBy(name), "--no-wait"],
    act: (name) => withSaved(name, (saved) => hypervisor.restoreFrom(name, saved, { signal })),
    outcomes: ALIVE,
    victims: EVERY,
  },
};

function copyOf(name: string): string {
  return `${name}-copy`;
}

function savedBy(name: string): string {
  return `${name}-saved`;
}

async function save(name: string): Promise<unknown> {
  return await hypervisor.save(name, { name: savedBy(name), signal });
}

async function tryFindSaved(name: string): Promise<SnapshotEntry | undefined> {
  return await snapshots.find(savedBy(name)).catch((error: unknown) => {
    if (codeOf(error) === "snapshot-not-found") return undefined;
    throw error;
  });
}

async function forget(name: string): Promise<void> {
  if ((await tryFindSaved(name)) !== undefined) await snapshots.remove(savedBy(name));
}

/** Nothing of the lane is there afterwards. */
async function leave(name: string): Promise<void> {
  for (const each of [name, copyOf(name)]) await remove(each);
  await forget(name);
}

/** Its machine runs, and has been saved. */
async function beSaved(name: string): Promise<void> {
  await run(name);
  const [saved, record] = [await tryFindSaved(name), await tryFind(name)];
  if (saved?.kind === "machine" && saved.record.source.vm?.id === record?.id) return;
  await forget(name);
  await save(name);
}

async function withSaved<T>(name: string, act: (saved: SavedMachine) => Promise<T>): Promise<T> {
  await using lease = await snapshots.acquire(savedBy(name));
  return await act(lease.saved);
}

async function create(name: string): Promise<VmRecord> {
  const machine = { threads: 1, cores: 1, sockets: 1 };
  return await hypervisor.create({ name, image: COUNTING_IMAGE, machine, cold: true }, { signal });
}

async function tryFind(name: string): Promise<VmRecord | undefined> {
  return (await hypervisor.list()).find(({ record }) => record.name === name)?.record;
}

async function exist(name: string): Promise<void> {
  if ((await tryFind(name)) === undefined) await create(name);
}

async function run(name: string): Promise<void> {
  await exist(name);
  await hypervisor.start(name, { signal });
}

async function remove(name: string): Promise<void> {
  if ((await tryFind(name)) !== undefined) await hypervisor.remove(name, { force: true, signal });
}

beforeAll(async () => {
  boxcar = scope.use(await Boxcar.open({ ownImages: true }));
  await importCountingImage(boxcar.images);
  const { one, host } = await openQemu(boxcar, scope, { BOXCAR_ACCELERATOR: "tcg" });
  hypervisor = one;
  snapshots = await host.openSnapshots();
});

afterAll(async () => {
  for (const { record } of await hypervisor.list()) {
    for (const pid of await findProcesses("supervisor", record.id)) kill(pid);
  }
  await vi.waitUntil(async () => (await boxcar.machines()).length === 0, { timeout: 20_000 });
  await scope[Symbol.asyncDispose]();
});

/** Milliseconds that each operation takes when nobody is killed, by the command line and from here. */
type Durations = Map<string, { command: number; here: number }>;

async function measure(name: string): Promise<{ idleMs: number; durations: Durations }> {
  const timed = async (act: () => Promise<unknown>) => {
    const begin = performance.now();
    await act();
    return performance.now() - begin;
  };
  const command = async (words: string[]) => {
    const { exitCode, stderr } = await boxcar.run(["vm", ...words], { BOXCAR_ACCELERATOR: "tcg" });
    expect([exitCode, stderr], words.join(" ")).toEqual([0, expect.not.stringMatching(/bug/)]);
  };
  const idleMs = await timed(() => command(["list"]));
  const durations: Durations = new Map();
  for (const [kind, { prepare, words, act }] of Object.entries(OPERATIONS)) {
    await prepare(name);
    const byCommand = await timed(() => command(words(name)));
    await prepare(name);
    durations.set(kind, { command: byCommand, here: await timed(() => act(name)) });
  }
  return { idleMs, durations };
}

/** @returns whether something was killed. */
async function interrupt(
  kind: string,
  victim: Victim,
  name: string,
  fraction: number,
  { idleMs, durations }: Awaited<ReturnType<typeof measure>>,
): Promise<boolean> {
  const { words, act, subject = (same) => same } = OPERATIONS[kind] as Operation;
  const { command, here } = durations.get(kind) as { command: number; here: number };
  if (victim === "command") {
    const child = boxcar.start(["vm", ...words(name)], { BOXCAR_ACCELERATOR: "tcg" });
    // Until then it has only begun to be a process.
    const begin = idleMs / 2;
    await Promise.race([child, after(begin + fraction * (command - begin))]);
    const isKilled = child.kill("SIGKILL");
    await child;
    return isKilled;
  }
  let isOver = false;
  const acting = act(name)
    // Whose machine is killed is told so, in words, and no bug is found.
    .catch((error: unknown) =>
      expect(codeOf(error), String(error)).toMatch(/^(vm-|qemu-|qmp-|machine-|state-transfer-)/),
    )
    .finally(() => {
      isOver = true;
    });
  const find = async () => {
    const record = await tryFind(subject(name));
    return record === undefined ? [] : await findProcesses(victim, record.id);
  };
  let pids = await find();
  while (pids.length === 0 && !isOver) {
    await after(10);
    pids = await find();
  }
  await Promise.race([acting, after(fraction * here)]);
  const killed = pids.filter(kill);
  await acting;
  return killed.length > 0;
}

/** Whoever was about to do something has done it, or is dead; resolves with what is there then. */
async function settle(name: string): Promise<VmRecord | undefined> {
  const deadline = performance.now() + SETTLE_MS;
  for (;;) {
    await hypervisor.gc();
    const record = await tryFind(name);
    if (record === undefined) return undefined;
    const holder = await hypervisor.index.holder(record.id);
    if ((holder !== undefined) === isLive(record.state)) return record;
    if (performance.now() > deadline)
      throw new Error(`${name} is ${record.state}, and ${JSON.stringify(holder)} has it`);
    await after(20);
  }
}

/** What the record says, and what there is. */
async function compareProcesses(name: string) {
  const record = await settle(name);
  if (record === undefined) return { said: [], found: [] };
  const { supervisor, emulator } = record.process ?? {};
  const said = [supervisor, emulator].map((each) => (each === undefined ? [] : [each.pid]));
  const found = [await findProcesses("supervisor", record.id), await findProcesses("emulator", record.id)];
  return { said, found };
}

async function expectInOrder(kind: string, lane: string): Promise<void> {
  const { subject = (same) => same, outcomes } = OPERATIONS[kind] as Operation;
  const name = subject(lane);
  // A process that was killed is gone a little later, and its supervisor hears of it a little later.
  await vi.waitFor(
    async () => {
      const { said, found } = await compareProcesses(name);
      expect(found).toEqual(said);
    },
    { timeout: 30_000 },
  );
  const settled = await settle(name);
  expect(outcomes).toContain(settled?.state);
  if (settled !== undefined && !isLive(settled.state)) {
    expect(needlessFiles(await readdir(hypervisor.index.folderOf(settled.id)), settled)).toEqual([]);
  }
  // Whole, or not there.
  expect((await tryFindSaved(lane))?.kind).not.toBe("damaged");
}

it(`nothing is lost or left whatever is killed at ${KILLS} instants (seed ${SEED})`, async () => {
  const measured = await measure("measured");
  await leave("measured");
  let kills = 0;
  const lane = async (number: number) => {
    const name = `lane-${number}`;
    const random = new Random(SEED + number);
    while (kills < KILLS) {
      const kind = random.pick(Object.keys(OPERATIONS));
      const operation = OPERATIONS[kind] as Operation;
      const [victim, fraction] = [random.pick(operation.victims), random.next()];
      try {
        await operation.prepare(name);
        if (await interrupt(kind, victim, name, fraction, measured)) kills++;
        await expectInOrder(kind, name);
      } catch (cause) {
        const where = `${kind} of ${name}, whose ${victim} was killed at ${fraction}, after ${kills} kills`;
        throw new Error(`${where}; BOXCAR_TEST_SEED=${SEED}`, { cause });
      }
    }
    await leave(name);
  };
  await Promise.all(Array.from({ length: LANES }, (_, number) => lane(number)));

  expect(await hypervisor.gc()).toEqual([]);
  expect(await boxcar.machines()).toEqual([]);
  expect(await findProcesses("supervisor", boxcar.directory)).toEqual([]);
  expect((await readdir(join(boxcar.directory, "state/vms"))).sort()).toEqual(["locks", "names"]);
  for (const folder of ["state/vms/locks", "state/vms/names", "run/v"]) {
    expect(await readdir(join(boxcar.directory, folder)), folder).toEqual([]);
  }
  // What dead processes have left of snapshots is removed when the store is opened.
  const directory = join(boxcar.directory, "state/snapshots");
  await using images = await ImageStore.open({ directory: boxcar.images });
  expect(await (await SnapshotStore.open({ directory, images })).list()).toEqual([]);
  for (const folder of ["machines", "staging", "leases", "locks"]) {
    expect(await readdir(join(directory, folder)), folder).toEqual([]);
  }
  await images.remove(COUNTING_IMAGE);
  expect((await boxcar.leftovers()).filter((name) => !name.startsWith("images/locks"))).toEqual([]);
}, 600_000);
