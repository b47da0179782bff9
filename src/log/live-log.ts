/**
 * The log of one run on disk, while it is written and after.
 *
 *   create ──append()…──▶ limit reached: the guest's bytes are thrown away, the worker's lines are not ──▶ closed
 *
 * Its file is the log as it is: other processes can read it at any time. Whatever happens to the disk, nobody who
 * writes to it fails. *Owns* its file until it is closed; what becomes of it then is the caller's business.
 */
import type { Readable } from "node:stream";
import { FileAppender } from "./file-appender.ts";
import { budgetOf, keepsWorkerLine, keptOfGuest, type LogBudget } from "./log-budget.ts";
import { LogReader } from "./log-reader.ts";
import { type LogSource, type ReadLogOptions, resolvePosition } from "./log-source.ts";
import type { LogOrigin, LogTarget } from "./log-target.ts";
import { formatNote } from "./note.ts";
import { ReadBudget } from "./read-budget.ts";
import { WaitingReaders } from "./waiting-readers.ts";
import { WriteSpeed } from "./write-speed.ts";

export interface LiveLogOptions {
  /** Absolute; there must be no such file yet. */
  readonly path: string;
  /** The file gets no larger than this; default: no limit. */
  readonly maxBytes?: number;
  readonly now?: () => Date;
}

const NEWLINE = 10;
/**
 * For all who follow it together; one alone does not notice. Where a task prints as fast as it can, what its own log
 * takes of the host goes first.
 */
const FOLLOWED = [
  { belowBytesPerSecond: 1, bytesPerSecond: 512 * 1_024 ** 2 },
  { belowBytesPerSecond: 2 * 1_024 ** 2, bytesPerSecond: 64 * 1_024 ** 2 },
  { belowBytesPerSecond: Number.POSITIVE_INFINITY, bytesPerSecond: 12 * 1_024 ** 2 },
] as const;
const FOLLOWED_BURST_BYTES = 1_024 ** 2;

export class LiveLog implements LogSource, LogTarget, AsyncDisposable {
  readonly path: string;
  /** For readers. */
  readonly waiting: WaitingReaders;
  readonly budget = new ReadBudget(() => this.#followedBytesPerSecond, FOLLOWED_BURST_BYTES);
  readonly #file: FileAppender;
  readonly #budget: LogBudget;
  readonly #now: () => Date;
  readonly #speed = new WriteSpeed();
  #atLineStart = true;
  #limitReached = false;
  #droppedBytes = 0;
  #closing: Promise<void> | undefined;
  #ended = false;

  private constructor(options: LiveLogOptions, file: FileAppender, waiting: WaitingReaders, now: () => Date) {
    this.path = options.path;
    this.waiting = waiting;
    this.#file = file;
    this.#budget = budgetOf(options.maxBytes ?? Number.POSITIVE_INFINITY);
    this.#now = now;
  }

  /** @throws There is such a file already, or none can be made. */
  static async create(options: LiveLogOptions): Promise<LiveLog> {
    const now = options.now ?? (() => new Date());
    const waiting = new WaitingReaders();
    const file = await FileAppender.create(options.path, {
      describeLoss: (bytes, cause) => formatNote(`${bytes} bytes of the log are missing here: ${cause}`, now()),
      onWritten: (position, chunks) => waiting.tell(position, chunks),
    });
    return new LiveLog(options, file, waiting, now);
  }

  get sizeBytes(): number {
    return this.#file.sizeBytes;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Bytes above the limit, which were thrown away. */
  get droppedBytes(): number {
    return this.#droppedBytes;
  }

  /** Bytes that the disk did not take. */
  get lostBytes(): number {
    return this.#file.lostBytes;
  }

  /**
   * Takes a copy of the bytes in any case; false: wait for {@link drained} before the next. The worker's lines are
   * complete, and begin on a line of their own.
   */
  append(bytes: Buffer, origin: LogOrigin): boolean {
    if (this.#closing !== undefined || bytes.length === 0) return true;
    return origin === "guest" ? this.#appendGuest(bytes) : this.#appendWorker(bytes);
  }

  drained(): Promise<void> {
    return this.#file.drained();
  }

  /** Everything appended so far is in the file, as the kernel has it: it outlives this process. */
  flush(): Promise<void> {
    return this.#file.flush();
  }

  read({ from = 0, follow = false, signal }: ReadLogOptions = {}): Readable {
    const position = resolvePosition(from, this.sizeBytes);
    return new LogReader({ path: this.path, position, follow, feed: this, signal });
  }

  /** The log has ended; readers that follow end with it. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  get #followedBytesPerSecond(): number {
    const { bytesPerSecond } = this.#speed;
    return FOLLOWED.find(({ belowBytesPerSecond }) => bytesPerSecond < belowBytesPerSecond)?.bytesPerSecond ?? 0;
  }

  get #usedBytes(): number {
    return this.#file.sizeBytes + this.#file.queuedBytes;
  }

  #appendGuest(bytes: Buffer): boolean {
    const kept = this.#limitReached ? 0 : keptOfGuest(bytes, this.#usedBytes, this.#budget);
    const room = this.#put(kept === bytes.length ? bytes : bytes.subarray(0, kept));
    if (kept === bytes.length) return room;
    this.#droppedBytes += bytes.length - kept;
    if (!this.#limitReached) {
      this.#limitReached = true;
      const limit = `the log has reached its limit of ${this.#budget.maxBytes} bytes; what the task prints from here on is not kept`;
      this.#appendWorker(Buffer.from(formatNote(limit, this.#now())));
    }
    return true;
  }

  #appendWorker(lines: Buffer): boolean {
    const bytes = this.#atLineStart ? lines : Buffer.concat([Buffer.of(NEWLINE), lines]);
    if (keepsWorkerLine(bytes.length, this.#usedBytes, this.#budget)) return this.#put(bytes);
    this.#droppedBytes += lines.length;
    return true;
  }

  #put(bytes: Buffer): boolean {
    if (bytes.length > 0) this.#atLineStart = bytes.at(-1) === NEWLINE;
    this.#speed.note(bytes.length);
    return this.#file.append(bytes);
  }

  async #close(): Promise<void> {
    try {
      await this.#file.close();
    } finally {
      this.#ended = true;
      this.budget[Symbol.dispose]();
      this.waiting.tellEnd();
    }
  }
}
