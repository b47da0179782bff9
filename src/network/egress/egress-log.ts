/**
 * The egress log of one machine: JSON lines in a file of limited size, counts and the latest entries in memory.
 *
 * A guest may ask for anything as often as it likes. So what has nothing of its own to tell is held for a second and
 * merged, the number of different entries of that kind is limited too, and what no longer fits is only counted.
 *
 * *Owns* the file's writing end, not the file; disposal writes what is held, and a last line if something was left out.
 */
import { appendFile } from "node:fs/promises";
import type { EgressEntry, EgressSink, LoggedEntry } from "./egress-entry.ts";
import { EntryMerger } from "./entry-merger.ts";

export interface EgressLogOptions {
  /** Made with the first entry; undefined: nothing is written. */
  readonly path?: string | undefined;
  /** Of the file, without its last line; default 4 MiB. */
  readonly maxBytes?: number | undefined;
}

export interface EgressCounts {
  /** All there was: allowed, refused, or failed. */
  readonly asked: number;
  readonly allowed: number;
  readonly refused: number;
  readonly failed: number;
  /** Of them, those that are not in the file. */
  readonly leftOut: number;
}

const MAX_BYTES = 4 * 1_024 * 1_024;
const WRITE_EVERY_MS = 1_000;
const KEPT_ENTRIES = 200;
const MAX_ADDRESSES = 16;
const MAX_TEXT = 256;

export class EgressLog implements EgressSink, AsyncDisposable {
  readonly #path: string | undefined;
  readonly #maxBytes: number;
  readonly #merger = new EntryMerger();
  readonly #counts = { asked: 0, allowed: 0, refused: 0, failed: 0, leftOut: 0 };
  #latest: LoggedEntry[] = [];
  #lines: string[] = [];
  #bytes = 0;
  #full = false;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();
  #failure: unknown;
  #disposal: Promise<void> | undefined;

  constructor({ path, maxBytes = MAX_BYTES }: EgressLogOptions = {}) {
    this.#path = path;
    this.#maxBytes = maxBytes;
  }

  get path(): string | undefined {
    return this.#path;
  }

  get counts(): EgressCounts {
    return { ...this.#counts };
  }

  /** Why the file could not be written, if so; what is lost counts as left out. */
  get failure(): unknown {
    return this.#failure;
  }

  /** The last 200, oldest first; those of the last second may be missing. */
  latest(): readonly LoggedEntry[] {
    return this.#latest.slice(-KEPT_ENTRIES);
  }

  note(entry: EgressEntry, began: Date = new Date()): void {
    if (this.#disposal !== undefined) return;
    const count = entry.count ?? 1;
    this.#counts.asked += count;
    this.#counts[entry.decision] += count;
    const logged = { time: began.toISOString(), ...bounded(entry) };
    if (isMergeable(entry)) this.#merger.add(logged);
    else this.#keep(logged);
    this.#timer ??= setTimeout(() => void this.flush(), WRITE_EVERY_MS).unref();
  }

  /** Everything noted so far is in the file afterwards. Never rejects. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const entry of this.#merger.drain()) this.#keep(entry);
    const lines = this.#lines;
    this.#lines = [];
    if (lines.length > 0) this.#writing = this.#writing.then(() => this.#write(lines));
    await this.#writing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#disposal ??= this.#close();
    return this.#disposal;
  }

  #keep(entry: LoggedEntry): void {
    this.#latest.push(entry);
    if (this.#latest.length >= 2 * KEPT_ENTRIES) this.#latest = this.#latest.slice(-KEPT_ENTRIES);
    if (this.#path === undefined) return;
    const line = `${JSON.stringify(entry)}\n`;
    const bytes = Buffer.byteLength(line);
    this.#full ||= this.#bytes + bytes > this.#maxBytes;
    if (this.#full) {
      this.#counts.leftOut += entry.count ?? 1;
      return;
    }
    this.#bytes += bytes;
    this.#lines.push(line);
  }

  async #write(lines: readonly string[]): Promise<void> {
    if (this.#path === undefined) return;
    try {
      await appendFile(this.#path, lines.join(""), { mode: 0o600 });
    } catch (error) {
      this.#failure ??= error;
      this.#counts.leftOut += lines.length;
    }
  }

  async #close(): Promise<void> {
    await this.flush();
    const { leftOut } = this.#counts;
    if (leftOut > 0) await this.#write([`${JSON.stringify({ time: new Date().toISOString(), leftOut })}\n`]);
  }
}

/** Connections that came to be differ in what was sent; nothing else tells more than that it was. */
function isMergeable({ kind, decision }: EgressEntry): boolean {
  return kind === "dns" || decision !== "allowed";
}

/** Names and addresses are the guest's. */
function bounded(entry: EgressEntry): EgressEntry {
  const { name, addresses, reason } = entry;
  return {
    ...entry,
    ...(name === undefined ? {} : { name: name.slice(0, MAX_TEXT) }),
    ...(addresses === undefined ? {} : { addresses: addresses.slice(0, MAX_ADDRESSES) }),
    ...(reason === undefined ? {} : { reason: reason.slice(0, MAX_TEXT) }),
  };
}
