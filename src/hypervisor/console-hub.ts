/**
 * Lets any number of people watch one console: each gets what came last, and then all that comes.
 *
 *   joined ──leaves, does not read, the machine ends──▶ gone
 *
 * *Borrows* the console; *owns* the streams it hands out until they are gone.
 */
import { Duplex } from "node:stream";
import type { SerialConsole } from "../vm/serial-console.ts";

/** Waiting for somebody who does not read; what comes then is lost to him. */
const MAX_UNREAD_BYTES = 1_048_576;
const MAX_WATCHERS = 32;

type Console = Pick<SerialConsole, "follow" | "type" | "closed">;

export class ConsoleHub {
  readonly #console: Console;
  readonly #watchers = new Set<Duplex>();
  #recent = Buffer.alloc(0);
  readonly #recentBytes: number;
  #isClosed = false;

  constructor(console: Console, recentBytes = 65_536) {
    this.#console = console;
    this.#recentBytes = recentBytes;
    console.follow((chunk) => this.#hear(chunk));
    void console.closed.then(() => this.#close());
  }

  get isFull(): boolean {
    return this.#watchers.size >= MAX_WATCHERS;
  }

  /** What is written to it is typed on the console. It ends with the machine. */
  join(): Duplex {
    const watcher = new Duplex({
      read() {},
      write: (chunk: Buffer, _encoding, done) => void this.#console.type(chunk).then(() => done()),
      destroy: (error, done) => {
        this.#watchers.delete(watcher);
        done(error);
      },
    });
    if (this.#recent.length > 0) watcher.push(this.#recent);
    if (this.#isClosed) watcher.push(null);
    else this.#watchers.add(watcher);
    return watcher;
  }

  #hear(chunk: Buffer): void {
    this.#recent = Buffer.concat([this.#recent, chunk]).subarray(-this.#recentBytes);
    for (const watcher of this.#watchers) {
      if (watcher.readableLength < MAX_UNREAD_BYTES) watcher.push(chunk);
    }
  }

  #close(): void {
    this.#isClosed = true;
    for (const watcher of this.#watchers) watcher.push(null);
    this.#watchers.clear();
  }
}
