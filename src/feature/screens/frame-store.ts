/**
 * Pictures of one screen on the disk of the host, each distinct one once.
 *
 * *Owns* its folder. QEMU writes a screen the same way each time, so equal pixels are equal bytes.
 */
import { createHash } from "node:crypto";
import { readFile, rename, stat, statfs } from "node:fs/promises";
import { join } from "node:path";
import { WorkerError } from "../../base/errors.ts";
import { formatBytes } from "../../base/units.ts";
import { OwnedDirectory } from "../../host/owned-directory.ts";
import { readPngHeader } from "./png-chunks.ts";
import type { Frame } from "./series.ts";

/** What is needed of a machine. */
export interface Screen {
  /** Writes what the screen shows as a PNG to an absolute path. */
  screenshot(file: string): Promise<void>;
}

/** A guest decides how large its screen is; all of one is in memory for a moment, and a video has room for every one. */
const MAX_SIDE = 4_096;
const MAX_PICTURE_BYTES = 64 * 1_024 * 1_024;
/** QEMU does not survive a picture that does not fit on the disk. */
const RESERVE_BYTES = 64 * 1_024 * 1_024;

export class FrameStore implements AsyncDisposable {
  readonly #directory: OwnedDirectory;
  readonly #reserveBytes: number;
  readonly #frames = new Map<string, Frame>();

  private constructor(directory: OwnedDirectory, reserveBytes: number) {
    this.#directory = directory;
    this.#reserveBytes = reserveBytes;
  }

  /** @param parent Of its folder; see {@link OwnedDirectory.create}. */
  static async open(parent: string, reserveBytes: number = RESERVE_BYTES): Promise<FrameStore> {
    return new FrameStore(await OwnedDirectory.create(parent), reserveBytes);
  }

  /**
   * Takes a picture; the same object for the same picture. Not to be called again before it has resolved.
   *
   * @throws {WorkerError} `disk-space-low`, `screen-too-large`; whatever `screen` throws.
   */
  async take(screen: Screen): Promise<Frame> {
    await this.#requireSpace();
    const shot = join(this.#directory.path, "shot.png");
    await screen.screenshot(shot);
    const { png, width, height } = await readPicture(shot);
    const digest = createHash("sha256").update(png).digest("hex");
    const known = this.#frames.get(digest);
    if (known !== undefined) return known;
    const file = join(this.#directory.path, `${digest}.png`);
    await rename(shot, file);
    const frame = { file, width, height, sizeBytes: png.length };
    this.#frames.set(digest, frame);
    return frame;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#directory[Symbol.asyncDispose]();
  }

  async #requireSpace(): Promise<void> {
    const { bavail, bsize } = await statfs(this.#directory.path);
    const freeBytes = bavail * bsize;
    if (freeBytes >= this.#reserveBytes) return;
    const message = `only ${formatBytes(freeBytes)} are free on the disk of ${this.#directory.path}; make room there`;
    throw new WorkerError(message, { code: "disk-space-low", blame: "host" });
  }
}

/** @throws {WorkerError} `screen-too-large` */
export async function readPicture(file: string): Promise<{ png: Buffer; width: number; height: number }> {
  const { size } = await stat(file);
  if (size > MAX_PICTURE_BYTES) throw tooLarge(formatBytes(size));
  const png = await readFile(file);
  const { width, height } = readPngHeader(png);
  if (width > MAX_SIDE || height > MAX_SIDE) throw tooLarge(`${width} × ${height}`);
  return { png, width, height };
}

function tooLarge(what: string): WorkerError {
  const message = `the screen of the guest, ${what}, is too large for a picture`;
  return new WorkerError(message, { code: "screen-too-large", blame: "task" });
}
