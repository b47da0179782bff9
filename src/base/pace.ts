/** How fast something long goes, and how long it will take. Pure: the time is given. */

export interface Progress {
  readonly doneBytes: number;
  /** undefined where it is not known. */
  readonly totalBytes: number | undefined;
}

export interface Pace extends Progress {
  /** Of the last seconds; undefined before there is anything to tell. */
  readonly bytesPerSecond: number | undefined;
  /** From 0 to 100. */
  readonly percent: number | undefined;
  readonly remainingMs: number | undefined;
}

/** Long enough to be calm, short enough to follow a network that changes. */
const WINDOW_MS = 10_000;
const SAMPLE_EVERY_MS = 250;

export class PaceMeter {
  /** The oldest first; bounded, as they are as far apart as {@link SAMPLE_EVERY_MS} says. */
  #samples: { atMs: number; bytes: number }[] = [];

  /** @param atMs Of a clock that never goes back. */
  read({ doneBytes, totalBytes }: Progress, atMs: number): Pace {
    const last = this.#samples.at(-1);
    // A download that began anew has fewer bytes than before.
    if (last !== undefined && doneBytes < last.bytes) this.#samples = [];
    const [first] = this.#samples;
    const elapsedMs = first === undefined ? 0 : atMs - first.atMs;
    const bytesPerSecond =
      first === undefined || elapsedMs < SAMPLE_EVERY_MS ? undefined : ((doneBytes - first.bytes) * 1_000) / elapsedMs;
    this.#sample(atMs, doneBytes);
    const hasEnd = totalBytes !== undefined && totalBytes > 0 && doneBytes <= totalBytes;
    const percent = hasEnd ? (doneBytes / totalBytes) * 100 : undefined;
    const remainingMs =
      hasEnd && bytesPerSecond !== undefined && bytesPerSecond > 0
        ? ((totalBytes - doneBytes) * 1_000) / bytesPerSecond
        : undefined;
    return { doneBytes, totalBytes, bytesPerSecond, percent, remainingMs };
  }

  #sample(atMs: number, bytes: number): void {
    const last = this.#samples.at(-1);
    if (last !== undefined && atMs - last.atMs < SAMPLE_EVERY_MS) return;
    this.#samples.push({ atMs, bytes });
    // One that is older than the window stays, so that the window is always covered.
    while ((this.#samples[1]?.atMs ?? atMs) < atMs - WINDOW_MS) this.#samples.shift();
  }
}
