/**
 * Copies of large files that are mostly holes, such as the memory of a machine.
 *
 * Where the file system can, both share their blocks until one of them is changed (a reflink), which takes no time.
 * Else `cp` copies what is no hole: that is several times as fast as reading and writing from here, and more than twice
 * as fast as looking for zeros in it, while a machine may be standing still.
 */
import { chmod, constants, copyFile, open, rm } from "node:fs/promises";
import { codeOf } from "../base/errors.ts";
import { runCommand } from "./command.ts";

export type CopyKind = "reflink" | "copy";

/** What a file system without reflinks says, or two of them. */
const NO_REFLINK = ["ENOTSUP", "EOPNOTSUPP", "EXDEV", "EINVAL", "ENOSYS", "ENOTTY", "EPERM"];

/**
 * It makes the file itself: one that was there, even an empty one, ext4 takes for the old contents of a file that is
 * being replaced, and begins to write the new ones to the disk before it lets `cp` close it. That takes as long again.
 */
const PRIVATE_CP = ["sh", "-c", 'umask 077; exec cp --sparse=auto --no-target-directory "$@"', "cp"] as const;

/**
 * @param target Absolute path at which nothing is; readable by this user alone.
 * @returns how it was done.
 * @throws {CommandError} such as when the disk is full; `signal.reason`. Nothing is left then.
 */
export async function copySparse(source: string, target: string, signal?: AbortSignal): Promise<CopyKind> {
  signal?.throwIfAborted();
  if (await tryReflink(source, target)) return "reflink";
  try {
    await runCommand([...PRIVATE_CP, "--", source, target], { signal });
    await chmod(target, 0o600);
    return "copy";
  } catch (error) {
    await rm(target, { force: true });
    throw error;
  }
}

async function tryReflink(source: string, target: string): Promise<boolean> {
  try {
    await copyFile(source, target, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE_FORCE);
  } catch (error) {
    if (NO_REFLINK.includes(codeOf(error) ?? "")) return false;
    throw error;
  }
  await using file = await open(target, "r");
  await file.chmod(0o600);
  return true;
}
