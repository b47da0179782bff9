/**
 * Where things are in a store of saved machines.
 *
 *   machines/<id>/       record.json, memory, state, disk.N.qcow2, base, console, …; see saved-machine.ts
 *   leases/<id>/<own>    one file for each user of one
 *   staging/<own>        whatever is not finished yet
 *   locks/<name>         see host/file-locks.ts
 *
 * `<own>` names the process; what a dead process left is removed at the next start. Everything enters and leaves
 * `machines` by a rename, so whatever is there is whole. All of it is for this user alone: memories hold secrets.
 */
import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { ignoreMissing } from "../host/durable-file.ts";
import { makeOwnedName } from "../host/owned-name.ts";
import { requirePrivate } from "../host/private-directory.ts";

const FOLDERS = ["machines", "leases", "staging", "locks"] as const;
type Folder = (typeof FOLDERS)[number];

export class SnapshotLayout {
  readonly directory: string;

  private constructor(directory: string) {
    this.directory = directory;
  }

  /** @throws {WorkerError} `directory-not-private` */
  static async create(directory: string): Promise<SnapshotLayout> {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await requirePrivate(directory);
    const layout = new SnapshotLayout(directory);
    for (const name of FOLDERS) await mkdir(join(directory, name), { recursive: true, mode: 0o700 });
    return layout;
  }

  path(folder: Folder, ...names: string[]): string {
    return join(this.directory, folder, ...names);
  }

  /** A new folder in staging, removed with all that is in it unless it was renamed. */
  async makeStaging(): Promise<{ path: string } & AsyncDisposable> {
    const path = this.path("staging", await makeOwnedName());
    await mkdir(path, { mode: 0o700 });
    return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
  }

  /** Names of a folder; none if it is not there. */
  async names(folder: Folder, ...names: string[]): Promise<string[]> {
    return (await readdir(this.path(folder, ...names)).catch(ignoreMissing)) ?? [];
  }
}
