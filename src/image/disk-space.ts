/** Keeps the disk of the store from filling up. */
import { statfs } from "node:fs/promises";
import { formatBytes } from "../base/units.ts";
import { ImageError } from "./errors.ts";

const CHECK_EVERY_BYTES = 64 * 1_024 * 1_024;

/** @throws {@link ImageError} `disk-space-low` unless `bytes` fit and `reserveBytes` stay free. */
export async function requireDiskSpace(
  directory: string,
  bytes: number,
  reserveBytes: number,
  what = "the image",
): Promise<void> {
  const { bavail, bsize } = await statfs(directory);
  const free = bavail * bsize;
  if (free - reserveBytes >= bytes) return;
  throw new ImageError(
    "disk-space-low",
    `${what} needs ${formatBytes(bytes)} on the disk of ${directory}, where ${formatBytes(free)} are free and ` +
      `${formatBytes(reserveBytes)} are kept in reserve; make room there`,
    { blame: "host", details: { freeBytes: free, neededBytes: bytes, reserveBytes } },
  );
}

/** Checks again and again while something is written; other programs write to the same disk. */
export class DiskSpaceGuard {
  readonly #directory: string;
  readonly #reserveBytes: number;
  #unchecked = 0;

  constructor(directory: string, reserveBytes: number) {
    this.#directory = directory;
    this.#reserveBytes = reserveBytes;
  }

  /** Before much of a known size is written. */
  async require(bytes: number): Promise<void> {
    await requireDiskSpace(this.#directory, bytes, this.#reserveBytes);
  }

  /** After `bytes` more were written. */
  async wrote(bytes: number): Promise<void> {
    this.#unchecked += bytes;
    if (this.#unchecked < CHECK_EVERY_BYTES) return;
    this.#unchecked = 0;
    await this.require(0);
  }
}

const WATCH_EVERY_MS = 250;

/**
 * Watches the disk of `directory` while a program writes there.
 *
 * @returns a signal that fires with {@link ImageError} `disk-space-low`, or with the reason of `signal`; dispose it when
 *   the program has ended.
 */
export async function watchDiskSpace(
  directory: string,
  reserveBytes: number,
  signal?: AbortSignal,
): Promise<{ signal: AbortSignal } & AsyncDisposable> {
  await requireDiskSpace(directory, 0, reserveBytes);
  const full = new AbortController();
  const timer = setInterval(() => {
    requireDiskSpace(directory, 0, reserveBytes).catch((error: unknown) => full.abort(error));
  }, WATCH_EVERY_MS);
  return {
    signal: signal === undefined ? full.signal : AbortSignal.any([full.signal, signal]),
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
    },
  };
}
