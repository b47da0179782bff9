/**
 * Tells everybody who watches what has happened.
 *
 * As with the other announcer, NOTIFY is not in the transactions in which things happen. What happens in a short while
 * is told at once, in few payloads: how often somebody tells something does not grow with what happens.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { QueueEvent } from "../queue-events.ts";
import type { Database } from "./database.ts";
import { EVENT_CHANNEL, type Gap, packEvents } from "./event-payloads.ts";

const PAUSE_MS = 100;
/** Where the database is slower than what happens. */
const MAX_WAITING = 10_000;

export class EventAnnouncer implements AsyncDisposable {
  readonly #database: Database;
  readonly #ended = new AbortController();
  #waiting: (QueueEvent | Gap)[] = [];
  #sending: Promise<void> | undefined;

  constructor(database: Database) {
    this.#database = database;
  }

  announce(event: QueueEvent): void {
    if (this.#waiting.length < MAX_WAITING) this.#waiting.push(event);
    else this.#waiting = [{ kind: "gap" }];
    this.#sending ??= this.#send().finally(() => {
      this.#sending = undefined;
    });
  }

  async #send(): Promise<void> {
    while (this.#waiting.length > 0) {
      await delay(PAUSE_MS, undefined, { signal: this.#ended.signal, ref: false }).catch(() => {});
      const payloads = packEvents(this.#waiting);
      this.#waiting = [];
      // Whoever does not hear of it finds it when he looks.
      await this.#database
        .run({
          name: "boxcar-tell",
          text: "SELECT set_config('synchronous_commit', 'off', true), pg_notify($1, payload) FROM unnest($2::text[]) AS payload",
          values: [EVENT_CHANNEL, payloads],
        })
        .catch(() => {});
    }
  }

  /** Tells what is left, at once. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended.abort();
    await this.#sending;
  }
}
