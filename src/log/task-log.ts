/**
 * The log of one task: what its guest prints, and the worker's own lines between, marked and with their time.
 *
 * Secrets are masked in both. Otherwise the guest's bytes go through unchanged, with back-pressure from the slowest
 * target. *Borrows* its targets; one that breaks (a closed pipe) is left out from then on.
 */
import { Writable } from "node:stream";
import { type LogStreams, type LogTarget, StreamTarget } from "./log-target.ts";
import type { MaskScanner } from "./mask/mask-scanner.ts";
import type { SecretMask } from "./mask/secret-mask.ts";
import { formatNote } from "./note.ts";

export interface TaskLogOptions {
  readonly now?: () => Date;
  /** Default: there are no secrets. */
  readonly mask?: SecretMask | undefined;
}

/** Whole chunks of a guest fit in, so that it has to wait for targets only, not for turns of the event loop. */
const BUFFER_BYTES = 512 * 1_024;

export class TaskLog extends Writable {
  readonly #targets: readonly LogTarget[];
  readonly #now: () => Date;
  readonly #mask: SecretMask | undefined;
  readonly #scanner: MaskScanner | undefined;
  readonly #hurry = new AbortController();

  constructor(targets: readonly (LogTarget | LogStreams)[], { now = () => new Date(), mask }: TaskLogOptions = {}) {
    super({ highWaterMark: BUFFER_BYTES });
    this.#targets = targets.map((target) => ("append" in target ? target : new StreamTarget(target)));
    this.#now = now;
    this.#mask = mask;
    this.#scanner = mask?.scanner();
  }

  /** A text that is complete, without the secrets of the task. */
  masked(text: string): string {
    return this.#mask?.apply(text) ?? text;
  }

  /** Writes the worker's own lines, each on a line of its own. */
  note(text: string): void {
    const line = Buffer.from(formatNote(this.masked(text), this.#now()));
    for (const target of this.#targets) target.append(line, "worker");
  }

  /**
   * Resolves when everything written so far is with the targets, so that a note comes after it; also the beginning of
   * a secret that did not go on.
   *
   * From then on slow ones are not waited for: at the end of a task little is left, and nobody is held up by it.
   */
  async flush(): Promise<void> {
    this.#hurry.abort();
    await new Promise<void>((resolve) => this.write("", () => resolve()));
    this.#pass(this.#scanner?.flush() ?? []);
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error) => void): void {
    const full = chunk.length === 0 ? [] : this.#pass(this.#scanner?.push(chunk) ?? [chunk]);
    if (full.length === 0) done();
    else void Promise.all(full.map((target) => target.drained(this.#hurry.signal))).then(() => done());
  }

  /** @returns the targets that have to be waited for. */
  #pass(chunks: readonly Buffer[]): LogTarget[] {
    // Each gets every chunk, whether it has room or not.
    return this.#targets.filter((target) => chunks.map((chunk) => target.append(chunk, "guest")).includes(false));
  }
}
