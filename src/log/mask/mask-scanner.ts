/**
 * Masks one stream of bytes as it comes.
 *
 *     … passed on │ held back: the beginning of some needle │ not seen yet
 *
 * Whatever lies in an occurrence of a needle is masked, so occurrences that overlap become one mask: that of the
 * longest of them. What comes out does not depend on how the stream was cut into chunks. Time is linear in the bytes,
 * whatever they are; no more than the longest needle is held back, and nothing that no needle can begin with.
 */
import { type Automaton, step } from "./automaton.ts";

/** Where something is masked, in positions of the stream from the begin of the current chunk; may begin before it. */
interface Region {
  begin: number;
  end: number;
  matchBytes: number;
  label: number;
}

export class MaskScanner {
  readonly #automaton: Automaton;
  readonly #masks: readonly Buffer[];
  #node = 0;
  #held: Buffer = Buffer.alloc(0);
  /** In order, apart from each other; not written yet, because what comes may belong to them. */
  #regions: Region[] = [];

  /** @param masks What stands for a needle, by its label. */
  constructor(automaton: Automaton, masks: readonly Buffer[]) {
    this.#automaton = automaton;
    this.#masks = masks;
  }

  /** Bytes that wait for what comes. */
  get heldBytes(): number {
    return this.#held.length;
  }

  /** Resolves into what can be passed on; parts of `chunk`, which must not be changed afterwards. */
  push(chunk: Buffer): Buffer[] {
    this.#scan(chunk);
    return this.#release(chunk, chunk.length - (this.#automaton.openBytes[this.#node] as number));
  }

  /** The rest. The stream may go on afterwards, as a new one. */
  flush(): Buffer[] {
    this.#node = 0;
    return this.#release(Buffer.alloc(0), 0);
  }

  #scan(chunk: Buffer): void {
    const { shift, windowBytes, matchBytes } = this.#automaton;
    const length = chunk.length;
    let node = this.#node;
    let i = 0;
    while (i < length) {
      if (node === 0) {
        let last = i + windowBytes - 1;
        while (last < length) {
          const far = shift[((chunk[last - 1] as number) << 8) | (chunk[last] as number)] as number;
          if (far === 0) break;
          last += far;
        }
        i = last - windowBytes + 1;
        if (i >= length) break;
      }
      node = step(this.#automaton, node, chunk[i] as number);
      i++;
      if (matchBytes[node] !== 0) this.#mark(node, i);
    }
    this.#node = node;
  }

  #mark(node: number, end: number): void {
    const matchBytes = this.#automaton.matchBytes[node] as number;
    const label = this.#automaton.matchLabel[node] as number;
    const begin = end - matchBytes;
    let region = this.#regions.at(-1);
    if (region === undefined || region.end <= begin) {
      this.#regions.push({ begin, end, matchBytes, label });
      return;
    }
    extend(region, begin, end);
    if (region.matchBytes < matchBytes) {
      region.matchBytes = matchBytes;
      region.label = label;
    }
    for (let before = this.#regions.at(-2); before !== undefined && before.end > begin; before = this.#regions.at(-2)) {
      this.#regions.pop();
      extend(before, begin, end);
      if (before.matchBytes < region.matchBytes) {
        before.matchBytes = region.matchBytes;
        before.label = region.label;
      }
      region = before;
    }
  }

  /** Passes on all before `bound`, and keeps the rest. */
  #release(chunk: Buffer, bound: number): Buffer[] {
    const released: Buffer[] = [];
    let done = -this.#held.length;
    const pass = (end: number) => {
      if (end <= done) return;
      if (done < 0) released.push(this.#held.subarray(this.#held.length + done, this.#held.length + Math.min(end, 0)));
      if (end > 0) released.push(chunk.subarray(Math.max(done, 0), end));
      done = end;
    };
    let passed = 0;
    for (const region of this.#regions) {
      if (region.begin >= bound) break;
      pass(region.begin);
      // What of it has been decided is gone; how it is called is not known before its end.
      done = Math.max(done, Math.min(region.end, bound));
      if (region.end > bound) break;
      released.push(this.#masks[region.label] as Buffer);
      passed++;
    }
    pass(bound);
    this.#hold(chunk, bound);
    this.#regions = this.#regions.slice(passed).map((region) => ({
      ...region,
      begin: Math.max(region.begin, bound) - chunk.length,
      end: region.end - chunk.length,
    }));
    return released;
  }

  #hold(chunk: Buffer, bound: number): void {
    if (bound >= chunk.length) this.#held = Buffer.alloc(0);
    else if (bound >= 0) this.#held = Buffer.from(chunk.subarray(bound));
    else this.#held = Buffer.concat([this.#held.subarray(this.#held.length + bound), chunk]);
  }
}

function extend(region: Region, begin: number, end: number): void {
  region.begin = Math.min(region.begin, begin);
  region.end = end;
}
