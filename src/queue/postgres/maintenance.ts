/**
 * What time does to tasks: leases and deadlines that are over, tasks that may be forgotten. Every process on a queue
 * does it, for all of them: a task that one has lost is found by another.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { TaskStore } from "./task-store.ts";

const BATCH = 50;
const INTERVAL_MS = 1_000;

/** Brings every task up to date. @throws {QueueError} */
export async function sweep(store: TaskStore): Promise<void> {
  // Looked at without locks first: mostly nothing is due.
  for (;;) {
    const [due] = await store.database.run<{ any: boolean }>({
      name: "boxcar-due",
      text: "SELECT EXISTS (SELECT 1 FROM boxcar.task WHERE due <= now()) AS any",
    });
    if (due?.any !== true) return;
    const count = await store.transaction(async (tasks) => (await tasks.lockDue(BATCH)).count);
    if (count < BATCH) return;
  }
}

export class Maintenance implements AsyncDisposable {
  readonly #stop = new AbortController();
  readonly #loop: Promise<void>;

  /** @param sweepOnce What fails is done the next time. */
  constructor(sweepOnce: () => Promise<void>) {
    this.#loop = this.#run(sweepOnce);
  }

  async #run(sweepOnce: () => Promise<void>): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await sweepOnce().catch(() => {});
      // Not all at the same moment.
      await delay(INTERVAL_MS * (0.75 + Math.random() / 2), undefined, { signal }).catch(() => {});
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#loop;
  }
}
