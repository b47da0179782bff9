/**
 * What long work has come to, for who waits for it: on a terminal one line that is drawn over and over, elsewhere a line
 * every 5 s.
 *
 * Only stderr gets it, so that what is printed can be piped. What else is written while there is a bar goes through
 * {@link ProgressBar.output}, which takes the bar away first. *Borrows* stderr; disposal takes the bar away.
 */
import { Writable } from "node:stream";
import { type Pace, PaceMeter, type Progress } from "../base/pace.ts";
import { describePace, throttledProgress } from "../image/progress.ts";
import { printable } from "./printable.ts";

export interface ProgressTerminal {
  write(text: string | Uint8Array, done?: (error?: Error | null) => void): boolean;
  readonly isTTY?: boolean;
  /** Of a line; 80 where it is not known. */
  readonly columns?: number;
}

const DRAW_EVERY_MS = 100;
const BAR_CELLS = 24;
const ERASE_LINE = "\r\u001b[K";

export class ProgressBar implements Disposable {
  /** Where everything else that is meant for the same terminal is written. */
  readonly output: Writable & { isTTY?: boolean };
  readonly #terminal: ProgressTerminal;
  readonly #now: () => number;
  #stage: { what: string; meter: PaceMeter; say: (progress: Progress) => void } | undefined;
  #drawnAtMs = Number.NEGATIVE_INFINITY;
  #isDrawn = false;
  #isOver = false;

  constructor(terminal: ProgressTerminal, now: () => number = () => performance.now()) {
    this.#terminal = terminal;
    this.#now = now;
    this.output = Object.assign(
      new Writable({
        write: (chunk: Buffer, _encoding, done) => {
          this.#erase();
          terminal.write(chunk, done);
        },
      }),
      terminal.isTTY === undefined ? {} : { isTTY: terminal.isTTY },
    );
  }

  /**
   * How far it is. As often as one likes: it is drawn ten times a second at most.
   *
   * @param what What is done to what, such as "packing the image"; another one begins to measure anew.
   */
  show(what: string, progress: Progress): void {
    if (this.#isOver) return;
    if (this.#stage?.what !== what) this.#stage = this.#begin(what);
    const { meter, say } = this.#stage;
    if (this.#terminal.isTTY !== true) {
      say(progress);
      return;
    }
    const now = this.#now();
    const pace = meter.read(progress, now);
    if (now - this.#drawnAtMs < DRAW_EVERY_MS) return;
    this.#drawnAtMs = now;
    this.#isDrawn = true;
    this.#terminal.write(`${ERASE_LINE}${drawBar(what, pace, this.#terminal.columns ?? 80)}`);
  }

  /** {@link show} for one thing, in the form that imports want. */
  reporter(what: string): (progress: Progress) => void {
    return (progress) => this.show(what, progress);
  }

  /** A line of text, which stays. */
  say(text: string): void {
    this.#erase();
    this.#terminal.write(`${printable(text)}\n`);
  }

  [Symbol.dispose](): void {
    this.#erase();
    this.#isOver = true;
  }

  #begin(what: string) {
    this.#drawnAtMs = Number.NEGATIVE_INFINITY;
    return { what, meter: new PaceMeter(), say: throttledProgress((text) => this.say(text), what, this.#now) };
  }

  #erase(): void {
    if (!this.#isDrawn) return;
    this.#isDrawn = false;
    this.#terminal.write(ERASE_LINE);
  }
}

/** One line, short enough not to be broken: what does not fit is left out from its end. Pure. */
export function drawBar(what: string, pace: Pace, columns: number): string {
  const bar = pace.percent === undefined ? "" : ` [${cells(pace.percent)}]`;
  const line = printable(`${what}${bar} ${describePace(pace)}`);
  // The last column is left free: some terminals break the line there.
  return line.slice(0, Math.max(0, columns - 1));
}

function cells(percent: number): string {
  const done = Math.floor((percent / 100) * BAR_CELLS);
  return "#".repeat(done).padEnd(BAR_CELLS, ".");
}
