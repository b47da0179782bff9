/**
 * The folder beside an archive in which it is made, since it is to appear there whole. It has the memory of a machine: what
 * an export has left that was killed goes at the next one there.
 */
import { lstat, mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { ignoreMissing } from "../../host/durable-file.ts";
import { isAbandoned, makeOwnedName, ownerOfName } from "../../host/owned-name.ts";
import { currentOwner } from "../../host/owner.ts";

const PREFIX = ".boxcar-export-";
/** An export writes all the time. One of another host, to a folder that both have, cannot be told from one that is dead. */
const QUIET_MS = 600_000;

/** @param beside Absolute path of the folder that will have the archive. */
export async function makeExportFolder(beside: string): Promise<{ readonly path: string } & AsyncDisposable> {
  await sweep(beside);
  const path = join(beside, `${PREFIX}${await makeOwnedName()}`);
  await mkdir(path, { mode: 0o700 });
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

async function sweep(directory: string): Promise<void> {
  // Who may write to a folder need not be allowed to read it.
  const names = await readdir(directory).catch((): string[] => []);
  for (const name of names.filter((name) => name.startsWith(PREFIX))) {
    if (await isLeft(join(directory, name), name.slice(PREFIX.length))) {
      await rm(join(directory, name), { recursive: true, force: true });
    }
  }
}

/** Whether it is a folder of this user whose process is gone. */
async function isLeft(path: string, ownName: string): Promise<boolean> {
  const found = await lstat(path).catch(ignoreMissing);
  if (found?.isDirectory() !== true || found.uid !== process.getuid?.() || !(await isAbandoned(ownName))) return false;
  const { bootId } = await currentOwner();
  if (ownerOfName(ownName)?.bootId === bootId) return true;
  const files = await Promise.all((await readdir(path)).map((name) => lstat(join(path, name)).catch(ignoreMissing)));
  const written = Math.max(...[found, ...files].map((one) => one?.mtimeMs ?? 0));
  return written < Date.now() - QUIET_MS;
}
