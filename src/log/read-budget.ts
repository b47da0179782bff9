/**
 * What those who follow a log while it is written have together, so that many of them do not take from the task the time
 * that its own log needs. Those who ask are served in their order.
 */
export class ReadBudget implements Disposable {
  readonly #bytesPerSecond: () => number;
  readonly #burstBytes: number;
  readonly #nowMs: () => number;
  readonly #asking: { readonly bytes: number; readonly go: () => void }[] = [];
  /** Below zero: somebody had more than there was, and the next has to wait. */
  #leftBytes: number;
  #filledAtMs: number;
  #timer: NodeJS.Timeout | undefined;
  #isOver = false;

  /** @param bytesPerSecond Now; may be another the next time. */
  constructor(bytesPerSecond: () => number, burstBytes: number, nowMs: () => number = () => performance.now()) {
    this.#bytesPerSecond = bytesPerSecond;
    this.#burstBytes = burstBytes;
    this.#nowMs = nowMs;
    this.#leftBytes = burstBytes;
    this.#filledAtMs = nowMs();
  }

  /** @param go Called when they may be read: at once, if nobody waits and there is something left. */
  take(bytes: number, go: () => void): void {
    this.#asking.push({ bytes, go });
    if (this.#timer === undefined) this.#serve();
  }

  /** The log is not written any more: nobody has to wait. */
  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#isOver = true;
    this.#serve();
  }

  #serve(): void {
    this.#timer = undefined;
    this.#fill();
    while (this.#leftBytes > 0 || this.#isOver) {
      const next = this.#asking.shift();
      if (next === undefined) return;
      this.#leftBytes -= next.bytes;
      next.go();
    }
    if (this.#asking.length === 0) return;
    const waitMs = (-this.#leftBytes / this.#bytesPerSecond()) * 1_000;
    this.#timer = setTimeout(() => this.#serve(), Math.max(1, waitMs)).unref();
  }

  #fill(): void {
    const now = this.#nowMs();
    const gained = ((now - this.#filledAtMs) / 1_000) * this.#bytesPerSecond();
    this.#leftBytes = Math.min(this.#burstBytes, this.#leftBytes + gained);
    this.#filledAtMs = now;
  }
}
