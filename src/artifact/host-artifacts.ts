/**
 * Artifacts of all tasks that ran on this host: `<directory>/<taskId>/<runId>/<name>`.
 *
 * Files are moved in, so that nothing is copied on one disk; from another disk they are copied next to their place
 * first. What is there under its name is whole. *Owns* the folder and all that is in it.
 */
import { constants } from "node:fs";
import { copyFile, link, mkdir, readFile, rename, rm, rmdir, stat, unlink, writeFile } from "node:fs/promises";
import { dirname, join, resolve, sep } from "node:path";
import { codeOf, WorkerError } from "../base/errors.ts";

export interface HostArtifactKey {
  readonly taskId: string;
  readonly runId: number;
  /** Relative path of plain names. */
  readonly name: string;
}

const TASK_ID = /^[A-Za-z0-9_-]{1,64}$/;

/** Not the name of a task. */
const IDENTITY_FILE = ".id";

/** How the system says that there can be no file of that name. */
const NEVER_FILES = ["ENAMETOOLONG", "EISDIR", "ENOTDIR", "EEXIST"];

export class HostArtifacts {
  readonly directory: string;
  /** Made with the folder. */
  readonly id: string;

  private constructor(directory: string, id: string) {
    this.directory = directory;
    this.id = id;
  }

  /** @param directory Absolute path; made if it is not there, readable by its owner only. */
  static async open(directory: string): Promise<HostArtifacts> {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    return new HostArtifacts(directory, await identify(join(directory, IDENTITY_FILE)));
  }

  /** @throws {WorkerError} `artifact-name-refused`, blame task; system errors of the disk. */
  async put(key: HostArtifactKey, file: string, signal?: AbortSignal): Promise<void> {
    const path = this.pathOf(key);
    signal?.throwIfAborted();
    try {
      await mkdir(dirname(path), { recursive: true });
      await move(file, path, signal);
    } catch (error) {
      // It has been moved already.
      if (codeOf(error) !== "ENOENT" || !(await isFile(path))) throw refusal(key, error);
    }
  }

  /** @throws {WorkerError} `artifact-name-refused` for one that is not inside. */
  pathOf({ taskId, runId, name }: HostArtifactKey): string {
    const folder = join(this.directory, taskId, String(runId));
    const path = resolve(folder, name);
    const isInside = path.startsWith(folder + sep) && !name.includes("\0");
    if (!TASK_ID.test(taskId) || !Number.isSafeInteger(runId) || !isInside) throw refused(name);
    return path;
  }

  /** With the folders that become empty. What was refused under that name was never there. */
  async remove(key: HostArtifactKey): Promise<void> {
    const path = this.#tryPathOf(key);
    if (path === undefined || !(await tryRemoveFile(path))) return;
    for (let folder = dirname(path); folder !== this.directory; folder = dirname(folder)) {
      if (!(await tryRemoveFolder(folder))) return;
    }
  }

  /** Everything that is left of a task. @throws {WorkerError} `artifact-name-refused` */
  async removeTask(taskId: string): Promise<void> {
    if (!TASK_ID.test(taskId)) throw refused(taskId);
    await rm(join(this.directory, taskId), { recursive: true, force: true });
  }

  #tryPathOf(key: HostArtifactKey): string | undefined {
    try {
      return this.pathOf(key);
    } catch {
      return undefined;
    }
  }
}

/** Of several that are made at the same time one counts. */
async function identify(file: string): Promise<string> {
  const part = `${file}.${crypto.randomUUID()}`;
  try {
    await writeFile(part, crypto.randomUUID(), { flush: true });
    await link(part, file);
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error;
  } finally {
    await rm(part, { force: true });
  }
  return (await readFile(file, "utf8")).trim();
}

async function move(file: string, path: string, signal: AbortSignal | undefined): Promise<void> {
  try {
    await rename(file, path);
  } catch (error) {
    if (codeOf(error) !== "EXDEV") throw error;
    await copyInto(file, path, signal);
  }
}

async function copyInto(file: string, path: string, signal: AbortSignal | undefined): Promise<void> {
  // Not made of the name, which may be as long as one can be.
  const part = join(dirname(path), `.${crypto.randomUUID()}.part`);
  try {
    await copyFile(file, part, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    signal?.throwIfAborted();
    await rename(part, path);
  } finally {
    await rm(part, { force: true });
  }
  await rm(file, { force: true });
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() ?? false;
}

/** Whether there is none under that name now; a folder stays. */
async function tryRemoveFile(path: string): Promise<boolean> {
  try {
    await unlink(path);
    return true;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return true;
    if (NEVER_FILES.includes(codeOf(error) ?? "")) return false;
    throw error;
  }
}

async function tryRemoveFolder(folder: string): Promise<boolean> {
  try {
    await rmdir(folder);
    return true;
  } catch (error) {
    if (["ENOTEMPTY", "EEXIST"].includes(codeOf(error) ?? "")) return false;
    if (codeOf(error) === "ENOENT") return true;
    throw error;
  }
}

/** What is too long for a file of this host, or a file where a folder is to be, is the task's to change. */
function refusal({ name }: HostArtifactKey, error: unknown): unknown {
  return NEVER_FILES.includes(codeOf(error) ?? "") ? refused(name, error) : error;
}

function refused(name: string, cause?: unknown): WorkerError {
  const shown = JSON.stringify(name.length > 100 ? `${name.slice(0, 100)}…` : name);
  const message = `the artifact name ${shown} cannot be that of a file on this host; choose another`;
  return new WorkerError(message, { code: "artifact-name-refused", blame: "task", cause });
}
