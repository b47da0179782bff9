/** What a cache may be called, and how large it may be. Pure. */
import { CacheError } from "./errors.ts";

export const CACHE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

const MIB = 1_048_576;
/** Room for a journal. */
const MIN_BYTES = 16 * MIB;
/** What file systems of hosts have room for in one file. */
const MAX_BYTES = 8 * 1_024 * 1_024 * MIB;

/** @throws {@link CacheError} `cache-name-invalid` */
export function requireCacheName(name: string): void {
  if (CACHE_NAME.test(name)) return;
  throw new CacheError(
    "cache-name-invalid",
    `${JSON.stringify(name)} is no name for a cache: it has up to 100 letters, digits, ".", "_" and "-", and begins ` +
      "with a letter or a digit",
  );
}

/**
 * The size of the file system, in whole MiB.
 *
 * @throws {@link CacheError} `cache-size-invalid`
 */
export function cacheSize(bytes: number): number {
  const size = Math.ceil(bytes / MIB) * MIB;
  if (size >= MIN_BYTES && size <= MAX_BYTES) return size;
  throw new CacheError("cache-size-invalid", `a cache has between ${MIN_BYTES} and ${MAX_BYTES} bytes, not ${bytes}`);
}
