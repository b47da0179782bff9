/** What it takes to save a machine and to go on from that, by raw QEMU and by Boxcar, by the size of its memory. */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { formatBytes } from "../../src/base/units.ts";
import { currentSurroundings } from "../../src/config/host-facts.ts";
import { loadConfig } from "../../src/config/load-config.ts";
import type { ImageLease } from "../../src/image/store/image-lease.ts";
import { ImageStore } from "../../src/image/store/image-store.ts";
import type { LaunchOptions } from "../../src/sandbox/launch.ts";
import type { MachineNetworks } from "../../src/sandbox/machine-networks.ts";
import type { SavedMachine } from "../../src/snapshot/saved-machine.ts";
import { SnapshotStore } from "../../src/snapshot/snapshot-store.ts";
import { resolveMachine } from "../../src/vm/limits.ts";
import { openNetworks } from "../fixtures/network/machine-networks.ts";
import { BoxcarMachine } from "./machines/boxcar-machine.ts";
import { ownBytes } from "./machines/disk-use.ts";
import { RawMachine } from "./machines/raw-machine.ts";
import { summarize } from "./report.ts";

const ROUNDS = 5;
const MEMORY_MIB = [256, 512, 1_024, 2_048];
const FORKS_AT_ONCE = 4;

type Way = "raw" | "boxcar";

export interface MachineCosts {
  memoryMiB: number;
  rounds: number;
  /** Medians, milliseconds; what only one of both can do has one. */
  times: { what: string; raw?: number | undefined; boxcar?: number | undefined }[];
  /** Medians, of blocks that nobody else has. */
  bytes: { what: string; raw: number; boxcar: number }[];
}

export async function benchMachines(rounds = ROUNDS): Promise<MachineCosts[]> {
  const { config } = await loadConfig(currentSurroundings(process.env));
  const directory = await mkdtemp("/tmp/bxb-");
  try {
    await using store = await ImageStore.open({ directory: config.images.directory });
    await using image = await store.acquire(config.images.default);
    await using networks = await openNetworks(directory);
    const costs: MachineCosts[] = [];
    for (const memory of MEMORY_MIB) {
      const bench = new MachineBench(image, networks, memory, join(directory, String(memory)));
      costs.push(await bench.run(rounds));
    }
    return costs;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

export function formatMachineCosts(costs: readonly MachineCosts[]): string {
  return costs
    .flatMap(({ memoryMiB, rounds, times, bytes }) => [
      row(`${memoryMiB} MiB, ${rounds} rounds`, "raw", "boxcar", "ratio"),
      ...times.map(({ what, raw, boxcar }) => row(what, ms(raw), ms(boxcar), ratio(raw, boxcar))),
      ...bytes.map(({ what, raw, boxcar }) => row(what, formatBytes(raw), formatBytes(boxcar), ratio(raw, boxcar))),
      "",
    ])
    .join("\n");
}

function row(what: string, ...cells: string[]): string {
  return [what.padEnd(52), ...cells.map((cell) => cell.padStart(12))].join("");
}

function ms(value: number | undefined): string {
  return value === undefined ? "-" : `${Math.round(value)} ms`;
}

function ratio(raw: number | undefined, boxcar: number | undefined): string {
  return raw === undefined || boxcar === undefined ? "-" : (boxcar / raw).toFixed(2);
}

const WHAT = {
  boot: "boot, until the guest asks for its task",
  still: "snapshot: the machine stands still",
  snapshot: "snapshot: until the disk has it",
  clone: "clone: until the guest goes on",
  exec: "clone: until a command has run in it",
  restore: "restore, in place of one that runs",
  fork: "fork: until its command has printed",
  forks: `${FORKS_AT_ONCE} clones, or forks, at once`,
} as const;

class MachineBench {
  readonly #image: ImageLease;
  readonly #networks: MachineNetworks;
  readonly #memory: number;
  readonly #directory: string;
  readonly #times = new Map<string, { raw: number[]; boxcar: number[] }>();
  readonly #bytes = new Map<string, { raw: number[]; boxcar: number[] }>();
  #count = 0;

  constructor(image: ImageLease, networks: MachineNetworks, memory: number, directory: string) {
    this.#image = image;
    this.#networks = networks;
    this.#memory = memory;
    this.#directory = directory;
  }

  /** Both by turns, so that what else the host does meets both. */
  async run(rounds: number): Promise<MachineCosts> {
    await mkdir(this.#directory);
    const { raw, boxcar, original } = await this.#boot();
    await using _raw = raw;
    await using _boxcar = boxcar;
    const images = { pin: async () => {} };
    const snapshots = await SnapshotStore.open({ directory: this.#path(), images, reserveBytes: 0 });
    for (let round = 0; round < rounds; round++) {
      const rawSaved = await this.#saveRaw(raw, original);
      const saved = await this.#saveBoxcar(boxcar, snapshots);
      // They would take their share of the processor.
      await Promise.all([raw.hold(), boxcar.hold()]);
      await this.#goOnRaw(rawSaved);
      await this.#goOnBoxcar(saved);
      await this.#forkRaw(rawSaved);
      await this.#forkBoxcar(saved);
      await rm(rawSaved, { recursive: true });
      await snapshots.remove(saved.id);
      await Promise.all([raw.letGo(), boxcar.letGo()]);
    }
    return {
      ...{ memoryMiB: this.#memory, rounds },
      times: [...this.#times].map(([what, { raw, boxcar }]) => ({ what, raw: median(raw), boxcar: median(boxcar) })),
      bytes: [...this.#bytes].map(([what, { raw, boxcar }]) => ({
        ...{ what, raw: median(raw) ?? 0, boxcar: median(boxcar) ?? 0 },
      })),
    };
  }

  async #boot() {
    const original = this.#path();
    const { raw, firstContactMs } = await RawMachine.boot(original, this.#image, this.#options().machine);
    await raw.hold();
    this.#note("boot", "raw", firstContactMs);
    const { boxcar, firstContactMs: ms } = await BoxcarMachine.boot(this.#options());
    this.#note("boot", "boxcar", ms);
    await raw.letGo();
    return { raw, boxcar, original };
  }

  async #saveRaw(raw: RawMachine, from: string): Promise<string> {
    const to = this.#path();
    const { ms, result: stillMs } = await timed(() => raw.save(from, to));
    this.#note("still", "raw", stillMs);
    this.#note("snapshot", "raw", ms);
    this.#noteBytes("a snapshot takes", "raw", await ownBytes(to));
    return to;
  }

  async #saveBoxcar(boxcar: BoxcarMachine, snapshots: SnapshotStore): Promise<SavedMachine> {
    const { ms, result: saved } = await timed(() => boxcar.save(snapshots));
    this.#note("still", "boxcar", saved.stillMs);
    this.#note("snapshot", "boxcar", ms);
    this.#noteBytes("a snapshot takes", "boxcar", await ownBytes(saved.directory));
    return saved;
  }

  async #goOnRaw(saved: string): Promise<void> {
    const clone = async () => {
      const own = this.#path();
      return { own, machine: await this.#rawClone(saved, own) };
    };
    const first = await timed(clone);
    this.#note("clone", "raw", first.ms);
    this.#noteBytes("a clone takes", "raw", await ownBytes(first.result.own));
    const { ms, result } = await timed(async () => {
      await first.result.machine[Symbol.asyncDispose]();
      return await clone();
    });
    this.#note("restore", "raw", ms);
    await result.machine[Symbol.asyncDispose]();
    for (const { own } of [first.result, result]) await rm(own, { recursive: true });
  }

  async #goOnBoxcar(saved: SavedMachine): Promise<void> {
    const begin = performance.now();
    const [own, other] = [this.#path(), this.#path()];
    const first = await BoxcarMachine.goOn({ ...this.#options(), ownDirectory: own }, saved);
    this.#note("clone", "boxcar", performance.now() - begin);
    await first.guest.exec({ command: ["true"] });
    this.#note("exec", "boxcar", performance.now() - begin);
    this.#noteBytes("a clone takes", "boxcar", await ownBytes(own));
    const { ms, result } = await timed(async () => {
      await first[Symbol.asyncDispose]();
      return await BoxcarMachine.goOn({ ...this.#options(), ownDirectory: other }, saved);
    });
    this.#note("restore", "boxcar", ms);
    await result[Symbol.asyncDispose]();
    for (const folder of [own, other]) await rm(folder, { recursive: true });
  }

  async #forkRaw(saved: string): Promise<void> {
    const begin = performance.now();
    const forks = await Promise.all(
      Array.from({ length: FORKS_AT_ONCE }, async () => {
        const own = this.#path();
        return { own, machine: await this.#rawClone(saved, own) };
      }),
    );
    this.#note("forks", "raw", performance.now() - begin);
    for (const { own, machine } of forks) {
      await machine[Symbol.asyncDispose]();
      await rm(own, { recursive: true });
    }
  }

  async #forkBoxcar(saved: SavedMachine): Promise<void> {
    const fork = (index: number, count: number) =>
      BoxcarMachine.fork(this.#options(), saved, { checkpoint: "bench", index, count });
    const { ms, result: one } = await timed(() => fork(0, 1));
    this.#note("fork", "boxcar", ms);
    await one[Symbol.asyncDispose]();
    const all = await timed(() =>
      Promise.all(Array.from({ length: FORKS_AT_ONCE }, (_, index) => fork(index, FORKS_AT_ONCE))),
    );
    this.#note("forks", "boxcar", all.ms);
    for (const each of all.result) await each[Symbol.asyncDispose]();
  }

  async #rawClone(saved: string, own: string): Promise<RawMachine> {
    return await RawMachine.goOn(saved, own, this.#image, this.#options().machine);
  }

  #options(): LaunchOptions {
    const memory = this.#memory;
    return {
      image: this.#image,
      machine: resolveMachine(
        { payload: { memory, cores: 1 }, image: this.#image.image.machine },
        { maxMemory: memory, maxCPUs: 1, defaultThreads: 1 },
      ),
      ...{ accelerator: "tcg", qemuBinary: "qemu-system-x86_64", networks: this.#networks },
      agentFile: () => undefined,
      runParent: join(this.#directory, "m"),
      stateParent: join(this.#directory, "state"),
      cacheDirectory: join(this.#directory, "cache"),
      signal: new AbortController().signal,
    };
  }

  #path(): string {
    return join(this.#directory, `f${this.#count++}`);
  }

  #note(what: keyof typeof WHAT, way: Way, ms: number): void {
    note(this.#times, WHAT[what], way, ms);
  }

  #noteBytes(what: string, way: Way, bytes: number): void {
    note(this.#bytes, what, way, bytes);
  }
}

function note(all: Map<string, Record<Way, number[]>>, what: string, way: Way, value: number): void {
  const values = all.get(what) ?? { raw: [], boxcar: [] };
  values[way].push(value);
  all.set(what, values);
}

function median(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : summarize(values).p50;
}

async function timed<T>(act: () => Promise<T>): Promise<{ ms: number; result: T }> {
  const begin = performance.now();
  const result = await act();
  return { ms: performance.now() - begin, result };
}
