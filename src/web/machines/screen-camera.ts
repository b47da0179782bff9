/**
 * What the screens of machines show, for many who look: at most one real picture a second of each machine.
 *
 * Holds the last picture of a machine as long as the machine.
 */
import { createHash } from "node:crypto";
import { setTimeout as after } from "node:timers/promises";
import type { LiveMachine } from "../../feature/interactive/live-machine.ts";

export interface Picture {
  readonly png: Buffer;
  /** Of the picture, with quotes. */
  readonly etag: string;
}

interface Shot extends Picture {
  readonly atMs: number;
  readonly resized: Map<number, Promise<Picture>>;
}

const MIN_INTERVAL_MS = 1_000;
/** A guest chooses the size of its screen. */
const MAX_PIXELS = 64 * 1_024 ** 2;

/** Widths there are, so that few have to be made. */
export const WIDTHS = [160, 320, 480, 640, 960, 1_280, 1_920] as const;

/** A machine, as far as pictures of it go; the same object as long as it is there. */
export type Photographed = Pick<LiveMachine, "screenshot">;

export class ScreenCamera {
  readonly #minIntervalMs: number;
  readonly #latest = new WeakMap<Photographed, Promise<Shot>>();

  constructor({ minIntervalMs = MIN_INTERVAL_MS }: { minIntervalMs?: number } = {}) {
    this.#minIntervalMs = minIntervalMs;
  }

  /**
   * Of now, or of less than a second ago.
   *
   * @param width Most pixels; the next smaller one of {@link WIDTHS} is given. Undefined: as it is.
   * @throws {LiveMachineError} `no-display`, `machine-gone`
   */
  async take(machine: Photographed, width: number | undefined): Promise<Picture> {
    const shot = await this.#shot(machine);
    const given = width === undefined ? undefined : (WIDTHS.findLast((each) => each <= width) ?? WIDTHS[0]);
    if (given === undefined || widthOf(shot.png) <= given) return shot;
    const made = shot.resized.get(given) ?? resize(shot, given);
    shot.resized.set(given, made);
    return await made;
  }

  async #shot(machine: Photographed): Promise<Shot> {
    const latest = this.#latest.get(machine);
    const taken = await latest?.catch(() => undefined);
    if (taken !== undefined && performance.now() - taken.atMs < this.#minIntervalMs) return taken;
    // Somebody else may have begun meanwhile.
    const current = this.#latest.get(machine);
    if (current !== undefined && current !== latest) return await current;
    const shot = this.#shoot(machine);
    this.#latest.set(machine, shot);
    return await shot;
  }

  async #shoot(machine: Photographed): Promise<Shot> {
    const begin = performance.now();
    try {
      const png = await machine.screenshot();
      return { png, etag: etagOf(png), atMs: begin, resized: new Map() };
    } catch (error) {
      // One that fails is not asked more often either.
      await after(Math.max(0, this.#minIntervalMs - (performance.now() - begin)));
      throw error;
    }
  }
}

async function resize({ png, etag }: Picture, width: number): Promise<Picture> {
  // It takes a while to load, and not every worker is looked at.
  const { default: sharp } = await import("sharp");
  const small = await sharp(png, { limitInputPixels: MAX_PIXELS }).resize({ width }).png().toBuffer();
  return { png: small, etag: `${etag.slice(0, -1)}-${width}"` };
}

function etagOf(png: Buffer): string {
  return `"${createHash("sha256").update(png).digest("hex").slice(0, 32)}"`;
}

const WIDTH_OFFSET = 16;

/** Of a PNG, as its first chunk has it; 0 if it is none. */
export function widthOf(png: Buffer): number {
  return png.length < WIDTH_OFFSET + 8 ? 0 : png.readUInt32BE(WIDTH_OFFSET);
}

export function heightOf(png: Buffer): number {
  return png.length < WIDTH_OFFSET + 8 ? 0 : png.readUInt32BE(WIDTH_OFFSET + 4);
}
