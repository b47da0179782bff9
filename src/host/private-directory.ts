/** Folders that nobody else can write to or exchange, also in places such as /tmp where anybody may be first. */
import type { Stats } from "node:fs";
import { lstat, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { getuid } from "node:process";
import { WorkerError } from "../base/errors.ts";

const GROUP_OR_OTHERS_WRITE = 0o022;
const OTHERS_WRITE = 0o002;
/** Who may write may not remove or rename what is not his. */
const STICKY = 0o1000;

/**
 * Checks `directory`, and what is above it as far as strangers may have put it there.
 *
 * @param directory Absolute path of a folder that is there.
 * @throws {WorkerError} `directory-not-private`
 */
export async function requirePrivate(directory: string): Promise<void> {
  const found = await lstat(directory);
  if (!found.isDirectory()) throw refused(directory, "is no folder");
  if (found.uid !== getuid?.()) throw refused(directory, "belongs to another user");
  if ((found.mode & GROUP_OR_OTHERS_WRITE) !== 0) throw writable(directory);
  for (let path = dirname(directory); path !== dirname(path); path = dirname(path)) {
    if (((await stat(dirname(path))).mode & OTHERS_WRITE) !== 0) requireTrusted(path, await lstat(path));
  }
}

function requireTrusted(path: string, found: Stats): void {
  if (found.uid !== 0 && found.uid !== getuid?.()) throw refused(path, "belongs to another user");
  if (found.isSymbolicLink() || (found.mode & STICKY) !== 0) return;
  if ((found.mode & GROUP_OR_OTHERS_WRITE) !== 0) throw writable(path);
}

function writable(path: string): WorkerError {
  return refused(path, "can be changed by other users", `type "chmod go-w ${path}"`);
}

function refused(path: string, why: string, remedy = "remove it"): WorkerError {
  const message = `${path} ${why} and is no safe place for files of machines; ${remedy}, or set another stateDir or runDir`;
  return new WorkerError(message, { code: "directory-not-private", blame: "host", details: { path } });
}
