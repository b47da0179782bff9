/**
 * Where things are in an image store.
 *
 *   blobs/<sha256>/        the files of one image, its record, the time of its last use, and for an image with a parent
 *                          the link `parent` to that, by which the backing file of its layer is found
 *   archives/<sha256>.tar.zst  the archive an image came from, where it was to be kept
 *   signatures/<sha256>.json   who has signed an image
 *   tags/<name>            the digest a name stands for
 *   leases/<sha256>/<own>  one file for each user of an image
 *   pins/<sha256>/<key>    a link to each thing that lies on an image; see pins.ts
 *   snapshots/<sha256>/    machines that have booted from an image; see snapshots.ts
 *   sources/<hash>         the digest of what a file or a URL held when it was last imported
 *   staging/<own>          whatever is not finished yet
 *   locks/<name>           see host/file-locks.ts
 *
 * `<own>` names the process; what a dead process left is removed at the next start. Everything enters the other folders
 * by a rename, so whatever is there is whole. An image comes before its archive and its signatures, and goes after them.
 */
import { mkdir, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { ignoreMissing, syncDirectory, writeDurably } from "../../host/durable-file.ts";
import { makeOwnedName } from "../../host/owned-name.ts";

const FOLDERS = [
  "blobs",
  "archives",
  "signatures",
  "tags",
  "leases",
  "pins",
  "snapshots",
  "sources",
  "staging",
  "locks",
] as const;
type Folder = (typeof FOLDERS)[number];

export class StoreLayout {
  readonly directory: string;

  private constructor(directory: string) {
    this.directory = directory;
  }

  static async create(directory: string): Promise<StoreLayout> {
    const layout = new StoreLayout(directory);
    for (const name of FOLDERS) {
      await mkdir(join(directory, name), { recursive: true });
    }
    return layout;
  }

  /** A store as it is, which may not even be there. */
  static existing(directory: string): StoreLayout {
    return new StoreLayout(directory);
  }

  path(folder: Folder, ...names: string[]): string {
    return join(this.directory, folder, ...names);
  }

  archiveFile(sha256: string): string {
    return this.path("archives", `${sha256}.tar.zst`);
  }

  signatureFile(sha256: string): string {
    return this.path("signatures", `${sha256}.json`);
  }

  async hasBlob(sha256: string): Promise<boolean> {
    return (await stat(this.path("blobs", sha256)).catch(ignoreMissing)) !== undefined;
  }

  async hasArchive(sha256: string): Promise<boolean> {
    return (await stat(this.archiveFile(sha256)).catch(ignoreMissing)) !== undefined;
  }

  /** A new folder in staging, removed with all that is in it unless it was renamed. */
  async makeStaging(): Promise<{ path: string } & AsyncDisposable> {
    const path = this.path("staging", await makeOwnedName());
    await mkdir(path);
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

  /** Names of a folder; none if it is not there. */
  async names(folder: Folder, ...names: string[]): Promise<string[]> {
    return (await readdir(this.path(folder, ...names)).catch(ignoreMissing)) ?? [];
  }

  /** The trimmed text of a small file; undefined if it is not there. */
  async tryRead(path: string): Promise<string | undefined> {
    return (await readFile(path, "utf8").catch(ignoreMissing))?.trim();
  }
}
