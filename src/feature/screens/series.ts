/** When pictures of a screen are taken, how many at most, and what becomes of them. Pure. */
import type { ApngFrame } from "./apng.ts";

/** A picture that differs from all others of its run. */
export interface Frame {
  /** Absolute path of a PNG. */
  readonly file: string;
  readonly width: number;
  readonly height: number;
  readonly sizeBytes: number;
}

/** What the screen showed at a time. */
export interface Shot {
  /** Milliseconds since 1970. */
  readonly atMs: number;
  readonly frame: Frame;
}

export interface SeriesLimits {
  readonly maxShots: number;
  /** Of all frames, each counted as often as the screen changed to it. */
  readonly maxBytes: number;
}

const LIMITS: SeriesLimits = { maxShots: 1_000, maxBytes: 1_024 ** 3 };

/** So that a long task has pictures of its end too: a day of one a second is within the limit. */
const EVEN_SHOTS = 500;
const SHOTS_TO_DOUBLE = 50;

/** The milliseconds from a shot to the next, after `count` shots. */
export function intervalAfter(count: number, everyMs: number): number {
  return everyMs * 2 ** Math.max(0, Math.ceil((count - EVEN_SHOTS) / SHOTS_TO_DOUBLE));
}

/** Shots at intervals, until there are enough of them. */
export class Series {
  readonly everyMs: number;
  readonly #limits: SeriesLimits;
  readonly #shots: Shot[] = [];
  #bytes = 0;
  #nextMs = 0;

  constructor(everyMs: number, limits: SeriesLimits = LIMITS) {
    this.everyMs = everyMs;
    this.#limits = limits;
  }

  get shots(): readonly Shot[] {
    return this.#shots;
  }

  get full(): boolean {
    return this.#shots.length >= this.#limits.maxShots || this.#bytes >= this.#limits.maxBytes;
  }

  /** When the next shot is due; Infinity if none is. */
  get nextMs(): number {
    return this.full ? Number.POSITIVE_INFINITY : this.#nextMs;
  }

  add(shot: Shot): void {
    if (shot.frame !== this.#shots.at(-1)?.frame) this.#bytes += shot.frame.sizeBytes;
    this.#shots.push(shot);
    this.#nextMs = shot.atMs + intervalAfter(this.#shots.length, this.everyMs);
  }
}

/** `2026-11-21T08-24-05.123Z`: a time as the name of a file on any system. */
export function timeAsName(atMs: number): string {
  return new Date(atMs).toISOString().replaceAll(":", "-");
}

/** Longer runs are shown faster. */
const MAX_VIDEO_MS = 60_000;

/** Browsers take less for a mistake. */
const MIN_DELAY_MS = 20;

/** So that it is seen how it ended. */
const MIN_LAST_DELAY_MS = 1_000;

/** The frames of a video: one for each change of the screen, for as long as it stood, or for its share of a minute. */
export function videoFrames(shots: readonly Shot[], endMs: number): ApngFrame[] {
  const changes = shots.filter(({ frame }, index) => frame !== shots[index - 1]?.frame);
  const speed = Math.max(1, (endMs - (changes[0]?.atMs ?? endMs)) / MAX_VIDEO_MS);
  return changes.map(({ frame, atMs }, index) => {
    const next = changes[index + 1];
    const delayMs = Math.round(((next?.atMs ?? endMs) - atMs) / speed);
    return { ...frame, delayMs: Math.max(delayMs, next === undefined ? MIN_LAST_DELAY_MS : MIN_DELAY_MS) };
  });
}
