/**
 * Tells claimers of all processes that there is something to claim.
 *
 * Many tasks that come at once are told of once: NOTIFY makes transactions wait for each other, so it has one of its
 * own, for which nobody waits and no disk.
 */
import type { Database } from "./database.ts";
import { CHANNEL, type Notice } from "./notices.ts";

export class Announcer {
  readonly #database: Database;
  readonly #queues = new Set<string>();
  #sending: Promise<void> | undefined;

  constructor(database: Database) {
    this.#database = database;
  }

  announce(queue: string): void {
    this.#queues.add(queue);
    this.#sending ??= this.#send().finally(() => {
      this.#sending = undefined;
    });
  }

  /** Waits until what was announced has been told. */
  async flush(): Promise<void> {
    await this.#sending;
  }

  async #send(): Promise<void> {
    // The next turn of the event loop: by then all that comes at once is there.
    await new Promise(setImmediate);
    while (this.#queues.size > 0) {
      const notices = [...this.#queues].map((queue): Notice => ({ kind: "pending", queue }));
      this.#queues.clear();
      // Whoever does not hear of it finds it when he looks.
      await this.#database
        .run({
          name: "boxcar-announce",
          text: "SELECT set_config('synchronous_commit', 'off', true), pg_notify($1, notice) FROM unnest($2::text[]) AS notice",
          values: [CHANNEL, notices.map((notice) => JSON.stringify(notice))],
        })
        .catch(() => {});
    }
  }
}
