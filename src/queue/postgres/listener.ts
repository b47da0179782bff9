/**
 * A connection on which notices arrive, opened again whenever it breaks.
 *
 *   connecting ──▶ listening ──breaks, or is silent──▶ connecting, after a while …
 *
 * For as long as it listens the process is seen to use the database. *Owns* the connection.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { Client } from "pg";
import type { Database } from "./database.ts";
import { CHANNEL, type Notice, tryParseNotice } from "./notices.ts";

export interface ListenerEvents {
  onNotice(notice: Notice): void;
  /** On a channel of {@link Listener.subscribe}. */
  onPayload(channel: string, payload: string): void;
  /** Each time it listens (again): what was told before may have been missed. */
  onListening(): void;
}

const FIRST_PAUSE_MS = 100;
const MAX_PAUSE_MS = 3_000;
/** A connection whose other end is gone without a word is noticed by asking. */
const CHECK_MS = 10_000;
const CHECK_TIMEOUT_MS = 5_000;

export class Listener implements AsyncDisposable {
  readonly #database: Database;
  readonly #events: ListenerEvents;
  readonly #stop = new AbortController();
  readonly #loop: Promise<void>;
  /** Beside the one for notices. */
  readonly #channels = new Set<string>();
  #client: Client | undefined;
  #isListening = true;

  private constructor(database: Database, events: ListenerEvents, client: Client) {
    this.#database = database;
    this.#events = events;
    this.#loop = this.#run(client);
  }

  /** @throws {QueueError} */
  static async open(database: Database, events: ListenerEvents): Promise<Listener> {
    return new Listener(database, events, await listen(database, events));
  }

  get isListening(): boolean {
    return this.#isListening;
  }

  /** Resolves when it listens there too; while it does not listen at all, as soon as that is known. */
  async subscribe(channel: string): Promise<void> {
    this.#channels.add(channel);
    if (this.#client !== undefined) await hear(this.#client, [channel]);
  }

  async unsubscribe(channel: string): Promise<void> {
    this.#channels.delete(channel);
    await this.#client?.query(`UNLISTEN ${channel}`).catch(() => {});
  }

  async #run(first: Client): Promise<void> {
    let client = first;
    while (!this.#stop.signal.aborted) {
      this.#client = client;
      if (await hear(client, this.#channels)) {
        this.#isListening = true;
        this.#events.onListening();
        await untilBroken(client, this.#stop.signal);
      }
      this.#isListening = false;
      this.#client = undefined;
      await end(client);
      const next = await this.#reconnect();
      if (next === undefined) return;
      client = next;
    }
    await end(client);
  }

  async #reconnect(): Promise<Client | undefined> {
    for (let pauseMs = FIRST_PAUSE_MS; !this.#stop.signal.aborted; pauseMs = Math.min(pauseMs * 2, MAX_PAUSE_MS)) {
      try {
        return await listen(this.#database, this.#events);
      } catch {
        await delay(pauseMs * (0.5 + Math.random()), undefined, { signal: this.#stop.signal }).catch(() => {});
      }
    }
    return undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#loop;
  }
}

async function listen(database: Database, events: ListenerEvents): Promise<Client> {
  const client = await database.connect();
  client.on("notification", ({ channel, payload = "" }) => {
    if (channel !== CHANNEL) {
      events.onPayload(channel, payload);
      return;
    }
    const notice = tryParseNotice(payload);
    if (notice !== undefined) events.onNotice(notice);
  });
  try {
    await client.query(`LISTEN ${CHANNEL}`);
    return client;
  } catch (error) {
    await end(client);
    throw error;
  }
}

/** False: the connection is no good, and is closed; the next one listens there from its beginning. */
async function hear(client: Client, channels: Iterable<string>): Promise<boolean> {
  try {
    for (const channel of channels) await client.query(`LISTEN ${channel}`);
    return true;
  } catch {
    await end(client);
    return false;
  }
}

/** Resolves when the connection is no good any more, or the signal fires. */
async function untilBroken(client: Client, stop: AbortSignal): Promise<void> {
  const broken = new AbortController();
  const signal = AbortSignal.any([broken.signal, stop]);
  for (const event of ["error", "end"] as const) client.once(event, () => broken.abort());
  while (!signal.aborted) {
    await delay(CHECK_MS, undefined, { signal }).catch(() => {});
    if (signal.aborted) return;
    const check = { text: "SELECT 1", query_timeout: CHECK_TIMEOUT_MS };
    await client.query(check).catch(() => broken.abort());
  }
}

/** A connection whose other end is gone would be waited for in vain. */
async function end(client: Client): Promise<void> {
  await Promise.race([client.end().catch(() => {}), delay(1_000, undefined, { ref: false })]);
}
