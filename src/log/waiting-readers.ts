/**
 * Readers that have read all there is of a log, and are told when there is more.
 *
 * A few are told at once. Many are told now and then, all together: to tell a hundred of each line would take more time
 * than to write it.
 */

export interface WaitingReader {
  /** The file has grown, or the log has ended; these bytes, if there are any, are at `position` in it. */
  wake(position: number, bytes: Buffer): void;
}

const FEW_READERS = 8;
const MS_PER_READER = 0.5;
const MAX_PAUSE_MS = 100;
/** More than this would be kept in memory by each reader that is slow. */
const MAX_SHARED_BYTES = 32 * 1_024;
const NOTHING = Buffer.alloc(0);

export class WaitingReaders {
  readonly #readers = new Set<WaitingReader>();
  /** What nobody was told of yet; undefined: too much to be kept. */
  #untold: { readonly position: number; readonly bytes: Buffer } | undefined;
  #timer: NodeJS.Timeout | undefined;

  get size(): number {
    return this.#readers.size;
  }

  /** It is told once, and has to come back. */
  add(reader: WaitingReader): void {
    this.#readers.add(reader);
  }

  delete(reader: WaitingReader): void {
    this.#readers.delete(reader);
  }

  /** @param chunks What is at `position` now; they are the caller's for the time of the call only. */
  tell(position: number, chunks: readonly Buffer[]): void {
    if (this.#timer !== undefined) {
      this.#untold = this.#untold && joined(this.#untold, chunks);
    } else if (this.#readers.size <= FEW_READERS) {
      this.#wakeAll(joined({ position, bytes: NOTHING }, chunks));
    } else {
      this.#untold = joined({ position, bytes: NOTHING }, chunks);
      const pauseMs = Math.min(MAX_PAUSE_MS, this.#readers.size * MS_PER_READER);
      this.#timer = setTimeout(() => this.#tellUntold(), pauseMs);
    }
  }

  /** There will be no more. */
  tellEnd(): void {
    this.#tellUntold();
    this.#wakeAll(undefined);
  }

  #tellUntold(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const untold = this.#untold;
    this.#untold = undefined;
    this.#wakeAll(untold);
  }

  #wakeAll(news: { position: number; bytes: Buffer } | undefined): void {
    const readers = [...this.#readers];
    this.#readers.clear();
    const { position, bytes } = news ?? { position: -1, bytes: NOTHING };
    // What a reader does with them is no business of the writer.
    for (const reader of readers) process.nextTick(() => reader.wake(position, bytes));
  }
}

/** One copy for all; of much, each takes what it has room for from the file. */
function joined(
  { position, bytes }: { position: number; bytes: Buffer },
  chunks: readonly Buffer[],
): { position: number; bytes: Buffer } | undefined {
  const total = chunks.reduce((sum, { length }) => sum + length, bytes.length);
  return total > MAX_SHARED_BYTES ? undefined : { position, bytes: Buffer.concat([bytes, ...chunks]) };
}
