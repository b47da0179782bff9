/** A folder with all that is in it as one digest: other names or contents give another one, other times do not. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { lstat, readdir, readlink } from "node:fs/promises";
import { join, relative } from "node:path";
import { pipeline } from "node:stream/promises";

/** Links are not followed; of devices and the like only the name counts. */
export async function digestFolder(directory: string): Promise<string> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const names = entries.map(({ parentPath, name }) => relative(directory, join(parentPath, name)));
  const all = createHash("sha256");
  for (const name of names.sort()) all.update(JSON.stringify([name, ...(await describe(join(directory, name)))]));
  return all.digest("hex");
}

async function describe(path: string): Promise<readonly string[]> {
  const stats = await lstat(path);
  if (stats.isSymbolicLink()) return ["link", await readlink(path)];
  if (stats.isDirectory()) return ["folder"];
  if (!stats.isFile()) return ["special"];
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return ["file", hash.digest("hex")];
}
