/**
 * An archive that is kept beside the image it holds: written while it is unpacked, into staging.
 *
 * *Owns* its file until it is published; disposed before that, nothing of it is left.
 */
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { syncDirectory } from "../../host/durable-file.ts";
import { makeOwnedName } from "../../host/owned-name.ts";
import { DiskSpaceGuard } from "../disk-space.ts";
import type { StoreLayout } from "./layout.ts";

export class ArchiveKeeper implements AsyncDisposable {
  readonly #layout: StoreLayout;
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #guard: DiskSpaceGuard;
  #disposal: Promise<void> | undefined;

  private constructor(layout: StoreLayout, path: string, file: FileHandle, guard: DiskSpaceGuard) {
    this.#layout = layout;
    this.#path = path;
    this.#file = file;
    this.#guard = guard;
  }

  static async begin(layout: StoreLayout, reserveBytes: number): Promise<ArchiveKeeper> {
    const path = layout.path("staging", await makeOwnedName());
    const file = await open(path, "wx", 0o600);
    return new ArchiveKeeper(layout, path, file, new DiskSpaceGuard(layout.directory, reserveBytes));
  }

  /** @throws {@link ImageError} `disk-space-low`. */
  async write(chunk: Uint8Array): Promise<void> {
    await this.#file.writeFile(chunk);
    await this.#guard.wrote(chunk.length);
  }

  /** All was written, and has this digest. The caller holds the lock of the image, which is in the store. */
  async publish(sha256: string): Promise<void> {
    await this.#file.chmod(0o444);
    await this.#file.sync();
    await rename(this.#path, this.#layout.archiveFile(sha256));
    await syncDirectory(this.#layout.path("archives"));
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#disposal ??= this.#dispose();
    return this.#disposal;
  }

  async #dispose(): Promise<void> {
    await this.#file.close();
    await rm(this.#path, { force: true });
  }
}
