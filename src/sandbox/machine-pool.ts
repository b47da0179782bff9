/**
 * Machines that are resumed, rehearsed and paused, so that the next task has one in milliseconds.
 *
 *   noteUse() ──▶ filling ──▶ ready ──take()──▶ its task's
 *                               └── too old, planned no more, dead ──▶ thrown away
 *
 * The pool learns from the tasks that come: what was asked for lately is what it keeps. *Owns* the machines that are
 * ready, a lease on the image of each, and its timer. One machine is made at a time, so that running tasks are not
 * slowed down; a machine that cannot be made is not tried again before the next task of its kind.
 */

import { orAborted, orTimeout } from "../base/abort.ts";
import { messageOf } from "../base/errors.ts";
import { type Logger, silentLogger } from "../base/log.ts";
import { formatDuration } from "../base/units.ts";
import type { ImageLease } from "../image/store/image-lease.ts";
import type { Snapshot } from "../image/store/snapshots.ts";
import { type LaunchedMachine, type LaunchOptions, launch } from "./launch.ts";
import { type PoolLimits, planPool } from "./pool-plan.ts";

export interface MachinePoolOptions extends PoolLimits {
  /** What no task has asked for in this time is not wanted any more, and a machine that waits longer is thrown away. */
  maxIdleMs: number;
  /** Another lease on an image in the store, by its digest. */
  acquireImage: (digest: string) => Promise<ImageLease>;
  logger?: Logger;
}

interface PoolUse {
  at: number;
  snapshot: Snapshot;
  digest: string;
  launch: Omit<LaunchOptions, "image" | "signal">;
}

interface ReadyMachine {
  key: string;
  machine: LaunchedMachine;
  lease: ImageLease;
  since: number;
}

/** So many tasks are remembered. */
const MEMORY_OF_USES = 50;
const REHEARSAL_TIMEOUT_MS = 20_000;

export class MachinePool implements AsyncDisposable {
  readonly #options: MachinePoolOptions;
  #uses: PoolUse[] = [];
  #ready: ReadyMachine[] = [];
  readonly #unmakable = new Set<string>();
  readonly #over = new AbortController();
  readonly #timer: NodeJS.Timeout;
  #filling: Promise<void> | undefined;
  /** Something has changed since the plan was made. */
  #wanted = false;
  #starved = false;

  constructor(options: MachinePoolOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#refresh(), Math.max(1_000, options.maxIdleMs / 4)).unref();
  }

  /** How many machines are ready. */
  get size(): number {
    return this.#ready.filter(({ machine }) => machine.vm.state === "paused").length;
  }

  /** A machine that is ready to go on from this snapshot, if there is one; it is the caller's then. */
  take({ id }: Snapshot): LaunchedMachine | undefined {
    const index = this.#ready.findIndex(({ key, machine }) => key === id && machine.vm.state === "paused");
    const [taken] = index === -1 ? [] : this.#ready.splice(index, 1);
    if (taken === undefined) return undefined;
    // The task has a lease of its own.
    void taken.lease[Symbol.asyncDispose]().catch((error: unknown) => this.#warn(error));
    return taken.machine;
  }

  /** A task has come that needs such a machine; others may follow. */
  noteUse(snapshot: Snapshot, options: LaunchOptions): void {
    const { image, machine, qemuBinary, accelerator, networks, diskSlots, agentFile } = options;
    const { runParent, stateParent, cacheDirectory } = options;
    const folders = { runParent, stateParent, cacheDirectory };
    const launch = { machine, qemuBinary, accelerator, networks, diskSlots, agentFile, ...folders };
    this.#uses.push({ at: performance.now(), snapshot, digest: image.image.digest, launch });
    if (this.#uses.length > MEMORY_OF_USES) this.#uses.shift();
    this.#unmakable.delete(snapshot.id);
    this.#refresh();
  }

  /** Whether the host can spare no memory: then the pool keeps none, and fills again when it can. */
  set isStarved(starved: boolean) {
    if (starved === this.#starved) return;
    this.#starved = starved;
    this.#refresh();
  }

  /** Machines of this snapshot are not wanted any more. */
  forget({ id }: Snapshot): void {
    this.#uses = this.#uses.filter(({ snapshot }) => snapshot.id !== id);
    this.#refresh();
  }

  /** Resolves when the pool has all the machines it wants. */
  async settled(): Promise<void> {
    while (this.#filling !== undefined) await this.#filling;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    this.#over.abort(new Error("the pool was closed"));
    await this.settled();
    await Promise.all(this.#ready.splice(0).map(discard));
  }

  #refresh(): void {
    this.#wanted = true;
    this.#filling ??= this.#fill()
      .catch((error: unknown) => this.#warn(error))
      .finally(() => {
        this.#filling = undefined;
        if (this.#wanted && !this.#over.signal.aborted) this.#refresh();
      });
  }

  /** One after another, and with the latest uses in mind each time. */
  async #fill(): Promise<void> {
    while (!this.#over.signal.aborted) {
      this.#wanted = false;
      const plan = this.#plan();
      await this.#throwAway(plan);
      const next = [...plan].find(([key, count]) => this.#count(key) < count && !this.#unmakable.has(key));
      if (next === undefined) return;
      await this.#make(next[0]);
    }
  }

  #plan(): Map<string, number> {
    if (this.#starved) return new Map();
    const since = performance.now() - this.#options.maxIdleMs;
    const recent = this.#uses.filter(({ at }) => at > since);
    const demands = recent.map(({ snapshot, launch }) => ({ key: snapshot.id, memory: launch.machine.memory }));
    return planPool(demands, this.#options);
  }

  #count(key: string): number {
    return this.#ready.filter((ready) => ready.key === key).length;
  }

  async #throwAway(plan: ReadonlyMap<string, number>): Promise<void> {
    const now = performance.now();
    const kept = new Map<string, number>();
    const isWanted = ({ key, machine, since }: ReadyMachine) => {
      if (machine.vm.state !== "paused" || now - since > this.#options.maxIdleMs) return false;
      const count = (kept.get(key) ?? 0) + 1;
      kept.set(key, count);
      return count <= (plan.get(key) ?? 0);
    };
    const { wanted = [], unwanted = [] } = Object.groupBy(this.#ready, (ready) =>
      isWanted(ready) ? "wanted" : "unwanted",
    );
    this.#ready = wanted;
    await Promise.all(unwanted.map(discard));
  }

  #warn(error: unknown): void {
    const { logger = silentLogger } = this.#options;
    logger.log("warn", "the pool has trouble with a machine", { why: messageOf(error) });
  }

  async #make(key: string): Promise<void> {
    const use = this.#uses.findLast(({ snapshot }) => snapshot.id === key);
    if (use === undefined) return;
    const { signal } = this.#over;
    let lease: ImageLease | undefined;
    try {
      lease = await this.#options.acquireImage(use.digest);
      const options = { ...use.launch, image: lease, signal };
      const machine = await launch(options, { kind: "resume", snapshot: use.snapshot });
      await rehearse(machine, signal);
      this.#ready.push({ key, machine, lease, since: performance.now() });
    } catch (error) {
      await lease?.[Symbol.asyncDispose]();
      this.#unmakable.add(key);
      if (signal.aborted) return;
      this.#warn(error);
    }
  }
}

/** Runs a machine for a moment, as if it had a task; thrown away if that does not work. */
async function rehearse({ vm, network, wakeLine }: LaunchedMachine, signal: AbortSignal): Promise<void> {
  network.setHandler((_request, response) => response.writeHead(200).end());
  const gone = vm.done.then(({ message }) => Promise.reject(new Error(message)));
  gone.catch(() => {});
  try {
    await vm.resume();
    const late = () => new Error(`it was not ready within ${formatDuration(REHEARSAL_TIMEOUT_MS)}`);
    await orAborted(orTimeout(Promise.race([wakeLine.rehearse(), gone]), REHEARSAL_TIMEOUT_MS, late), signal);
    await vm.pause();
  } catch (error) {
    await vm[Symbol.asyncDispose]();
    throw error;
  }
}

async function discard({ machine, lease }: ReadyMachine): Promise<void> {
  await machine.vm[Symbol.asyncDispose]();
  await lease[Symbol.asyncDispose]();
}
