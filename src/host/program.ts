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

/** Whether a program of this name can be run. */
export async function isInstalled(name: string): Promise<boolean> {
  return await isExecutable(await findProgram(name));
}

async function findProgram(name: string): Promise<string> {
  if (name.includes("/")) return name;
  for (const directory of (process.env["PATH"] ?? "").split(":")) {
    const path = join(directory, name);
    if (await isExecutable(path)) return path;
  }
  return name;
}

async function isExecutable(path: string): Promise<boolean> {
  return await access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
