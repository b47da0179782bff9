/** Which lines of a log have a text. Goes on where it was when the log has grown. */
import { linesWith, readBatch } from "./log-scan.ts";
import type { LogStore } from "./log-store.ts";

/** More are not counted. */
const MAX_MATCHES = 100_000;

export class LogSearch {
  readonly query: string;
  readonly #store: LogStore;
  readonly #wanted: string;
  /** In ascending order. */
  readonly matches: number[] = [];
  #next = 0;
  #searchedBytes = 0;

  constructor(store: LogStore, query: string) {
    this.query = query;
    this.#store = store;
    this.#wanted = query.toLowerCase();
  }

  get isDone(): boolean {
    return this.#searchedBytes === this.#store.sizeBytes || this.isFull;
  }

  get isFull(): boolean {
    return this.matches.length >= MAX_MATCHES;
  }

  /** @param isInTime Asked between batches. */
  step(isInTime: () => boolean): void {
    if (this.isDone) return;
    while ((this.matches.at(-1) ?? -1) >= this.#next) this.matches.pop();
    do {
      if (this.#next >= this.#store.lineCount || this.isFull) {
        this.#searchedBytes = this.#store.sizeBytes;
        // The last line may still grow: then it is searched again.
        this.#next = this.#store.completeLines;
        return;
      }
      const batch = readBatch(this.#store, this.#next);
      for (const line of linesWith(batch, this.#wanted)) if (!this.isFull) this.matches.push(line);
      this.#next = batch.next;
    } while (isInTime());
  }

  /** The match after a line, or before it; around the ends. */
  matchFrom(line: number, direction: 1 | -1): number | undefined {
    if (direction === 1) return this.matches.find((match) => match > line) ?? this.matches[0];
    return this.matches.findLast((match) => match < line) ?? this.matches.at(-1);
  }
}
