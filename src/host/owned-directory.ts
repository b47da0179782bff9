/**
 * Folders that must not outlive their owner: overlays, sockets, downloads.
 *
 * The name says which process made it (`<pid>-<start time>-<n>`), short enough
 * for sockets inside. What a killed process leaves is removed by the next one.
 */
import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { codeOf } from "../base/errors.ts";
import { currentOwner, isAlive } from "./owner.ts";
import { requirePrivate } from "./private-directory.ts";

const NAME = /^(\d{1,10})-(\d{1,20})-\d+$/;

let count = 0;

export class OwnedDirectory implements AsyncDisposable {
  readonly path: string;
  #removal: Promise<void> | undefined;

  private constructor(path: string) {
    this.path = path;
  }

  /**
   * @param parent Absolute path; made if it is not there, readable by its owner only.
   * @throws {WorkerError} `directory-not-private` where somebody else could put another folder in its place.
   */
  static async create(parent: string): Promise<OwnedDirectory> {
    const { pid, startTime } = await currentOwner();
    await mkdir(parent, { recursive: true, mode: 0o700 });
    await requirePrivate(parent);
    const path = join(parent, `${pid}-${startTime}-${count++}`);
    await mkdir(path, { mode: 0o700 });
    return new OwnedDirectory(path);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#removal ??= rm(this.path, { recursive: true, force: true });
    return this.#removal;
  }
}

/**
 * Removes the folders in `parent` whose owner is dead; resolves with their names.
 *
 * @param remove For folders in which there may be files that this user may not remove as itself.
 * @throws {WorkerError} `directory-not-private`, as {@link OwnedDirectory.create} does.
 */
export async function reclaimDirectories(
  parent: string,
  remove: (path: string) => Promise<void> = (path) => rm(path, { recursive: true, force: true }),
): Promise<string[]> {
  const { bootId } = await currentOwner();
  const removed: string[] = [];
  const names = await namesIn(parent);
  if (names.length > 0) await requirePrivate(parent);
  for (const name of names) {
    const match = NAME.exec(name);
    if (match === null) continue;
    // A start time is counted from boot; that pid and start time both recur after a reboot is not to be expected.
    if (await isAlive({ pid: Number(match[1]), startTime: Number(match[2]), bootId })) continue;
    await remove(join(parent, name));
    removed.push(name);
  }
  return removed;
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return [];
    throw error;
  }
}
