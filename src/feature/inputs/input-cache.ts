/**
 * What was fetched for tasks of this host, for later ones.
 *
 *   files/<sha256>   whole and checked, or not there; its time is that of its last use
 *   staging/<own>/   what is not finished yet; see OwnedDirectory
 *   locks/<sha256>   who fetches it; see FileLocks
 *
 * Several processes may use it at once. Files are handed out open, so one that is removed meanwhile lives on for who
 * has it.
 */
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { ignoreMissing, syncDirectory, syncFile } from "../../host/durable-file.ts";
import { FileLocks } from "../../host/file-locks.ts";
import { OwnedDirectory, reclaimDirectories } from "../../host/owned-directory.ts";

/** Writes the file at `path`, which is not there yet, or rejects. */
export type Fetch = (path: string) => Promise<void>;

interface CachedFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly usedMs: number;
}

export class InputCache {
  readonly directory: string;
  readonly #locks: FileLocks;

  private constructor(directory: string) {
    this.directory = directory;
    this.#locks = new FileLocks(join(directory, "locks"));
  }

  /**
   * Opens the cache and removes what processes that died left in it.
   *
   * @param directory Absolute; made if it is not there.
   */
  static async open(directory: string): Promise<InputCache> {
    for (const name of ["files", "locks", "staging"]) {
      await mkdir(join(directory, name), { recursive: true, mode: 0o700 });
    }
    const cache = new InputCache(directory);
    await reclaimDirectories(join(directory, "staging"));
    for (const name of await readdir(join(directory, "locks"))) await cache.#locks.reclaim(name);
    return cache;
  }

  /**
   * A file that is here, or is here once `fetch` is done; who else wants it meanwhile waits for that. The caller closes
   * it.
   *
   * @throws what `fetch` throws; `signal.reason`
   */
  async acquire(sha256: string, fetch: Fetch, signal: AbortSignal): Promise<FileHandle> {
    const found = await this.tryOpen(sha256);
    if (found !== undefined) return found;
    await using _lock = await this.#locks.acquire(sha256, { signal });
    return (await this.tryOpen(sha256)) ?? (await this.#add(sha256, fetch));
  }

  /** It counts as used. */
  async tryOpen(sha256: string): Promise<FileHandle | undefined> {
    const file = await open(this.#path(sha256), "r").catch(ignoreMissing);
    const now = new Date();
    await file?.utimes(now, now);
    return file;
  }

  async #add(sha256: string, fetch: Fetch): Promise<FileHandle> {
    await using staging = await OwnedDirectory.create(join(this.directory, "staging"));
    const path = join(staging.path, sha256);
    await fetch(path);
    await syncFile(path);
    const file = await open(path, "r");
    try {
      await rename(path, this.#path(sha256));
      await syncDirectory(join(this.directory, "files"));
    } catch (error) {
      await file.close();
      throw error;
    }
    return file;
  }

  /**
   * Removes what was used least recently until no more than `maxBytes` are left.
   *
   * @returns how many bytes were removed; those of files in use come free when they are closed.
   */
  async trim(maxBytes: number): Promise<number> {
    const files = (await this.#list()).sort((a, b) => a.usedMs - b.usedMs);
    const totalBytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    let removedBytes = 0;
    for (const { path, sizeBytes } of files) {
      if (totalBytes - removedBytes <= maxBytes) break;
      await rm(path, { force: true });
      removedBytes += sizeBytes;
    }
    return removedBytes;
  }

  async #list(): Promise<CachedFile[]> {
    const names = await readdir(join(this.directory, "files"));
    const files = await Promise.all(
      names.map(async (name) => {
        const path = this.#path(name);
        const facts = await stat(path).catch(ignoreMissing);
        return facts && { path, sizeBytes: facts.size, usedMs: facts.mtimeMs };
      }),
    );
    return files.filter((file) => file !== undefined);
  }

  #path(sha256: string): string {
    return join(this.directory, "files", sha256);
  }
}
