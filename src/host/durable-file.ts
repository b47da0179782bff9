/** Files and names that outlast a crash of the host. */
import { open } from "node:fs/promises";
import { codeOf } from "../base/errors.ts";

/** Writes a new file and waits until the disk has it. */
export async function writeDurably(path: string, text: string): Promise<void> {
  await using file = await open(path, "wx", 0o644);
  await file.writeFile(text);
  await file.sync();
}

/** Waits until the disk has all of a file. */
export async function syncFile(path: string): Promise<void> {
  await using file = await open(path, "r");
  await file.sync();
}

/** Waits until the disk has the names in a directory. */
export async function syncDirectory(path: string): Promise<void> {
  await syncFile(path);
}

/** For `catch`: what is not there is undefined, anything else is thrown. */
export function ignoreMissing(error: unknown): undefined {
  if (codeOf(error) === "ENOENT") return undefined;
  throw error;
}
