/**
 * Where things are below the folder of the caches.
 *
 *   names/<name>/record.json   the state of a cache; see record.ts
 *   names/<name>/last-used     its time is that of the last use
 *   names/<name>/layers/       files of this state, and of states that machines still use
 *   names/<name>/leases/<own>  the layers that one user needs
 *   staging/<own>/             whatever is not finished yet, and what machines write
 *   locks/use-<name>           held by who may write
 *   locks/make-<name>          held while the first state is made
 *   locks/state-<name>         held for a moment, by who reads or changes record, layers and leases together
 *
 * `<own>` names the process; what a dead process left is removed at the next start.
 */
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { ignoreMissing, syncDirectory, writeDurably } from "../host/durable-file.ts";
import { makeOwnedName } from "../host/owned-name.ts";

const FOLDERS = ["names", "staging", "locks"] as const;
type Folder = (typeof FOLDERS)[number];

export class CacheLayout {
  readonly directory: string;

  private constructor(directory: string) {
    this.directory = directory;
  }

  /** @param directory Absolute path; the files in it name each other by it. */
  static async create(directory: string): Promise<CacheLayout> {
    const layout = new CacheLayout(directory);
    for (const name of FOLDERS) await mkdir(layout.path(name), { recursive: true, mode: 0o700 });
    return layout;
  }

  /** Caches as they are; there may be none. */
  static existing(directory: string): CacheLayout {
    return new CacheLayout(directory);
  }

  path(folder: Folder, ...names: string[]): string {
    return join(this.directory, folder, ...names);
  }

  async names(folder: Folder, ...names: string[]): Promise<string[]> {
    return await namesIn(this.path(folder, ...names));
  }

  /** A new folder in staging, removed at disposal with all that is left in it. */
  async makeStaging(): Promise<{ path: string } & AsyncDisposable> {
    const path = this.path("staging", await makeOwnedName());
    await mkdir(path, { mode: 0o700 });
    return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
  }

  /** Replaces a small file in one step. */
  async writeAtomically(path: string, text: string): Promise<void> {
    const part = this.path("staging", await makeOwnedName());
    try {
      await writeDurably(part, text);
      await rename(part, path);
    } finally {
      await rm(part, { force: true });
    }
    await syncDirectory(dirname(path));
  }
}

/** None if the directory is not there. */
export async function namesIn(directory: string): Promise<string[]> {
  return (await readdir(directory).catch(ignoreMissing)) ?? [];
}
