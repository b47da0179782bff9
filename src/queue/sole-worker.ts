/** What workers know of each other, and are told, where others have the queue: each knows itself. In memory. */
import { randomBytes } from "node:crypto";
import { encodeStatus } from "./bounded-status.ts";
import type { QueueEvent, QueueEvents, QueueListener } from "./queue-events.ts";
import type { Announced, WorkerAnnouncement, WorkerDirectory, WorkerEntry } from "./worker-directory.ts";

export class SoleDirectory implements WorkerDirectory {
  readonly #workers = new Map<string, () => WorkerAnnouncement>();
  readonly #key = new Uint8Array(randomBytes(32));

  announce(workerId: string, describe: () => WorkerAnnouncement): Announced {
    this.#workers.set(workerId, describe);
    return {
      changed() {},
      async flush() {},
      [Symbol.asyncDispose]: async () => {
        if (this.#workers.get(workerId) === describe) this.#workers.delete(workerId);
      },
    };
  }

  async list(): Promise<WorkerEntry[]> {
    const ids = [...this.#workers.keys()].sort();
    return ids.flatMap((workerId) => this.#entryOf(workerId) ?? []);
  }

  async find(workerId: string): Promise<WorkerEntry | undefined> {
    return this.#entryOf(workerId);
  }

  async fleetKey(): Promise<Uint8Array> {
    return this.#key;
  }

  #entryOf(workerId: string): WorkerEntry | undefined {
    const worker = this.#workers.get(workerId)?.();
    if (worker === undefined) return undefined;
    const status = JSON.parse(encodeStatus(worker.status)) as WorkerEntry["status"];
    return { ...worker, status, workerId, seenAt: new Date(), isAlive: true };
  }
}

/** Tells who watches in this process. */
export class SoleEvents implements QueueEvents {
  readonly #watching = new Set<QueueListener>();

  async watch(listener: QueueListener): Promise<AsyncDisposable> {
    const watcher: QueueListener = { onEvent: (event) => listener.onEvent(event) };
    this.#watching.add(watcher);
    return { [Symbol.asyncDispose]: async () => void this.#watching.delete(watcher) };
  }

  publish(event: QueueEvent): void {
    for (const watcher of [...this.#watching]) watcher.onEvent(event);
  }
}
