/**
 * Events of a queue in a PostgreSQL database. It listens for them only while somebody watches.
 *
 * *Borrows* the listener and the announcer.
 */
import type { QueueEvent, QueueEvents, QueueListener } from "../queue-events.ts";
import type { EventAnnouncer } from "./event-announcer.ts";
import { EVENT_CHANNEL, unpackEvents } from "./event-payloads.ts";
import type { Listener } from "./listener.ts";

export class PostgresEvents implements QueueEvents {
  readonly #announcer: EventAnnouncer;
  readonly #listener: () => Listener;
  readonly #watching = new Set<QueueListener>();
  /** Whoever begins or ends to watch comes after who did before. */
  #last: Promise<void> = Promise.resolve();
  #isSubscribed = false;

  constructor(announcer: EventAnnouncer, listener: () => Listener) {
    this.#announcer = announcer;
    this.#listener = listener;
  }

  async watch(listener: QueueListener): Promise<AsyncDisposable> {
    // One of our own: the same one may watch twice.
    const watcher: QueueListener = {
      onEvent: (event) => listener.onEvent(event),
      onGap: () => listener.onGap?.(),
    };
    this.#watching.add(watcher);
    await this.#adjust();
    return {
      [Symbol.asyncDispose]: async () => {
        this.#watching.delete(watcher);
        await this.#adjust();
      },
    };
  }

  publish(event: QueueEvent): void {
    this.#announcer.announce(event);
  }

  /** To be called with what arrives on {@link EVENT_CHANNEL}. */
  hear(payload: string): void {
    for (const event of unpackEvents(payload)) {
      if (event.kind === "gap") this.noteGap();
      else for (const watcher of [...this.#watching]) watcher.onEvent(event);
    }
  }

  noteGap(): void {
    for (const watcher of [...this.#watching]) watcher.onGap?.();
  }

  #adjust(): Promise<void> {
    this.#last = this.#last.then(async () => {
      const isWanted = this.#watching.size > 0;
      if (isWanted === this.#isSubscribed) return;
      this.#isSubscribed = isWanted;
      await (isWanted ? this.#listener().subscribe(EVENT_CHANNEL) : this.#listener().unsubscribe(EVENT_CHANNEL));
    });
    return this.#last;
  }
}
