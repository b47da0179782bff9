/** Which program a name stands for, and whether it is still the same one. */
import { access, constants, stat } from "node:fs/promises";
import { join } from "node:path";

/** Its path, and what changes when the file is replaced; for a program that is not there, that. */
export async function identifyProgram(name: string): Promise<string> {
  const path = await findProgram(name);
  return `${path} ${await stampOf(path)}`;
}

/** Changes when a file is replaced, or who may open it. */
export async function stampOf(file: string): Promise<string> {
  const found = await stat(file).catch(() => undefined);
  return found === undefined ? "none" : `${found.mtimeMs}:${found.size}:${found.mode}:${found.gid}`;
}

async function findProgram(name: string): Promise<string> {
  if (name.includes("/")) return name;
  for (const directory of (process.env["PATH"] ?? "").split(":")) {
    const path = join(directory, name);
    const found = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return path;
  }
  return name;
}
