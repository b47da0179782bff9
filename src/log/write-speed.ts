/** How fast a log grows, over the last half second or so. */
const WINDOW_MS = 500;

export class WriteSpeed {
  readonly #nowMs: () => number;
  #windowStartMs: number;
  #windowBytes = 0;
  /** Of the window before. */
  #lastBytesPerSecond = 0;

  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
    this.#windowStartMs = nowMs();
  }

  note(bytes: number): void {
    this.#turn();
    this.#windowBytes += bytes;
  }

  get bytesPerSecond(): number {
    this.#turn();
    return Math.max(this.#lastBytesPerSecond, (this.#windowBytes * 1_000) / WINDOW_MS);
  }

  #turn(): void {
    const ageMs = this.#nowMs() - this.#windowStartMs;
    if (ageMs < WINDOW_MS) return;
    this.#lastBytesPerSecond = (this.#windowBytes * 1_000) / ageMs;
    this.#windowBytes = 0;
    this.#windowStartMs += ageMs;
  }
}
