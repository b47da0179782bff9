/**
 * Artifacts in a folder of this host.
 *
 * *Owns* nothing but the file it is writing: one that is not complete is removed.
 * Names come from payloads and guests and have been checked; they are checked
 * once more to lie inside, and no link is followed: the folder is ours alone.
 */
import { createWriteStream } from "node:fs";
import { mkdir, rm, stat } from "node:fs/promises";
import { dirname, join, resolve, sep } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { DigestStream } from "../base/digest-stream.ts";
import { codeOf, WorkerError } from "../base/errors.ts";

export interface StoredFile {
  /** Relative to the store, with `/`. */
  readonly name: string;
  readonly sizeBytes: number;
  /** Lower-case hex. */
  readonly sha256: string;
}

export class DirectoryStore {
  readonly directory: string;

  /** @param directory Absolute path; made when the first file comes. */
  constructor(directory: string) {
    this.directory = directory;
  }

  /** @throws {WorkerError} `artifact-name-refused`, `artifact-exists`; whatever breaks `content`. */
  async put(name: string, content: Readable, signal?: AbortSignal): Promise<StoredFile> {
    try {
      return await this.#write(name, content, signal);
    } catch (error) {
      // What a guest's own file system takes may be too long below our folder.
      throw codeOf(error) === "ENAMETOOLONG" ? refused(name, "is too long for a file of this host") : error;
    }
  }

  async #write(name: string, content: Readable, signal: AbortSignal | undefined): Promise<StoredFile> {
    const path = this.#pathOf(name);
    if ((await stat(path).catch(() => undefined)) !== undefined) {
      throw new WorkerError(`there is an artifact ${name} already`, { code: "artifact-exists", blame: "task" });
    }
    await mkdir(dirname(path), { recursive: true });
    const measure = new DigestStream();
    try {
      await pipeline(
        content,
        measure,
        createWriteStream(path, { flags: "wx" }),
        signal === undefined ? {} : { signal },
      );
    } catch (error) {
      await rm(path, { force: true });
      signal?.throwIfAborted();
      throw error;
    }
    return { name, ...measure.digest() };
  }

  #pathOf(name: string): string {
    const path = resolve(join(this.directory, name));
    if (!path.startsWith(resolve(this.directory) + sep)) throw refused(name, "leaves its folder");
    return path;
  }
}

function refused(name: string, why: string): WorkerError {
  const shown = JSON.stringify(name.length > 100 ? `${name.slice(0, 100)}…` : name);
  return new WorkerError(`the artifact name ${shown} ${why}`, { code: "artifact-name-refused", blame: "task" });
}
