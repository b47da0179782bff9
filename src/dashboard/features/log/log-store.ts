/**
 * The bytes of a log, and where its lines begin. Nothing is decoded until somebody looks at it.
 *
 * Bytes are in blocks of 1 MiB that are filled one after the other; line starts in an array that grows. For each line
 * that begins in another style than the one before, the style is remembered: a colour may go on over many lines, and the
 * viewer begins anywhere.
 */
import { applySgr, PLAIN, type Style } from "./sgr.ts";

const BLOCK_BYTES = 1_048_576;
const NEWLINE = 10;
const ESCAPE = 27;
/** Of an escape sequence that is not closed. */
const MAX_SEQUENCE = 256;

/** More of one log is not kept: the rest can be downloaded. */
export const MAX_LOG_BYTES = 160 * BLOCK_BYTES;

export class LogStore {
  readonly #blocks: Uint8Array<ArrayBuffer>[] = [];
  #bytes = 0;
  /** Of the lines that are complete, and of the one that is not. */
  #starts = new Uint32Array(4_096);
  #lines = 1;
  readonly #styleLines: number[] = [];
  readonly #styles: Style[] = [];
  #style: Style = PLAIN;
  /** An escape sequence that has begun. */
  #sequence: number[] | undefined;
  #isFull = false;

  get sizeBytes(): number {
    return this.#bytes;
  }

  /** There was more than is kept. */
  get isFull(): boolean {
    return this.#isFull;
  }

  /** A last line without a line end counts; an empty one does not. */
  get lineCount(): number {
    return this.#start(this.#lines - 1) === this.#bytes ? this.#lines - 1 : this.#lines;
  }

  /** Lines that have their line end. */
  get completeLines(): number {
    return this.#lines - 1;
  }

  append(bytes: Uint8Array): void {
    const taken = bytes.subarray(0, Math.max(0, MAX_LOG_BYTES - this.#bytes));
    if (taken.length < bytes.length) this.#isFull = true;
    this.#index(taken);
    this.#copy(taken);
  }

  /** @param line From 0. @param maxBytes Of a longer one the rest is left out. */
  lineBytes(line: number, maxBytes = Number.POSITIVE_INFINITY): Uint8Array {
    const begin = this.#start(line);
    const end = line + 1 < this.#lines ? this.#start(line + 1) - 1 : this.#bytes;
    return this.range(begin, Math.min(end, begin + maxBytes));
  }

  lineLength(line: number): number {
    return (line + 1 < this.#lines ? this.#start(line + 1) - 1 : this.#bytes) - this.#start(line);
  }

  /** The lines from `from` to before `to`, with their line ends. */
  linesBytes(from: number, to: number): Uint8Array {
    return this.range(this.#start(from), to < this.#lines ? this.#start(to) : this.#bytes);
  }

  /** Bytes of the log; a view where they are in one block. */
  range(begin: number, end: number): Uint8Array {
    const first = Math.floor(begin / BLOCK_BYTES);
    const last = Math.floor(Math.max(begin, end - 1) / BLOCK_BYTES);
    if (first === last)
      return (this.#blocks[first] ?? NOTHING).subarray(begin % BLOCK_BYTES, end - first * BLOCK_BYTES);
    const all = new Uint8Array(end - begin);
    for (let index = first; index <= last; index++) {
      const base = index * BLOCK_BYTES;
      const block = this.#blocks[index] ?? NOTHING;
      const part = block.subarray(Math.max(0, begin - base), Math.min(BLOCK_BYTES, end - base));
      all.set(part, Math.max(0, base - begin));
    }
    return all;
  }

  /** In which style a line begins. */
  styleAt(line: number): Style {
    let low = 0;
    let high = this.#styleLines.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#styleLines[middle] ?? 0) <= line) low = middle + 1;
      else high = middle;
    }
    return this.#styles[low - 1] ?? PLAIN;
  }

  #start(line: number): number {
    return this.#starts[line] ?? 0;
  }

  #copy(bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length; ) {
      const offset = this.#bytes % BLOCK_BYTES;
      if (offset === 0) this.#blocks.push(new Uint8Array(BLOCK_BYTES));
      const part = bytes.subarray(done, done + BLOCK_BYTES - offset);
      this.#blocks.at(-1)?.set(part, offset);
      done += part.length;
      this.#bytes += part.length;
    }
  }

  #index(bytes: Uint8Array): void {
    let nextEscape = this.#sequence === undefined ? bytes.indexOf(ESCAPE) : 0;
    for (let position = 0; position < bytes.length; ) {
      const newline = bytes.indexOf(NEWLINE, position);
      const end = newline === -1 ? bytes.length : newline;
      while (nextEscape !== -1 && nextEscape < end) {
        const after = this.#readSequence(bytes, nextEscape, end);
        nextEscape = bytes.indexOf(ESCAPE, after);
      }
      if (newline === -1) return;
      this.#sequence = undefined;
      this.#addLine(this.#bytes + newline + 1);
      position = newline + 1;
    }
  }

  /** @returns where to look for the next; a sequence may go on in the next bytes. */
  #readSequence(bytes: Uint8Array, begin: number, end: number): number {
    const sequence = this.#sequence ?? [];
    for (let index = begin; index < end; index++) {
      const byte = bytes[index] ?? 0;
      if (byte === ESCAPE) sequence.length = 0;
      sequence.push(byte);
      if (!mayGoOn(sequence)) {
        this.#sequence = undefined;
        this.#applySequence(sequence);
        return index + 1;
      }
    }
    this.#sequence = sequence;
    return end;
  }

  #applySequence(sequence: readonly number[]): void {
    if (sequence.at(-1) !== 0x6d || sequence[1] !== 0x5b) return;
    this.#style = applySgr(this.#style, String.fromCharCode(...sequence.slice(2, -1)));
  }

  #addLine(start: number): void {
    if (this.#lines === this.#starts.length) {
      const larger = new Uint32Array(this.#starts.length * 2);
      larger.set(this.#starts);
      this.#starts = larger;
    }
    this.#starts[this.#lines] = start;
    if (!isSame(this.#styles.at(-1) ?? PLAIN, this.#style)) {
      this.#styleLines.push(this.#lines);
      this.#styles.push(this.#style);
    }
    this.#lines++;
  }
}

const NOTHING = new Uint8Array(0);

/** Whether it is the beginning of a CSI sequence that has no final byte yet. */
function mayGoOn(sequence: readonly number[]): boolean {
  if (sequence.length === 1) return true;
  if (sequence[1] !== 0x5b || sequence.length > MAX_SEQUENCE) return false;
  if (sequence.length === 2) return true;
  const byte = sequence.at(-1) ?? 0;
  return byte >= 0x20 && byte <= 0x3f;
}

function isSame(one: Style, other: Style): boolean {
  return one === other || (Object.keys(one) as (keyof Style)[]).every((key) => one[key] === other[key]);
}
