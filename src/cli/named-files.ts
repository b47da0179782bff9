/** Files of this host that a command line names: looked at before anything is done, so that a slip costs nothing. */
import { access, constants, mkdir, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { codeOf, InvalidInputError, messageOf } from "../base/errors.ts";
import type { CliContext } from "./context.ts";

type Place = Pick<CliContext, "cwd">;

/**
 * Absolute path of a file, or a device, that can be read.
 *
 * @param named What the file is in the command line, such as `--kernel`.
 * @throws {InvalidInputError}
 */
export async function readableFile(name: string, named: string, place: Place): Promise<string> {
  const file = await readablePath(name, named, place);
  if ((await stat(file)).isDirectory()) throw mistake(named, `${file} cannot be read: it is a folder; name a file`);
  return file;
}

/** The same of a file or a folder. @throws {InvalidInputError} */
export async function readablePath(name: string, named: string, { cwd }: Place): Promise<string> {
  const file = resolve(cwd, name);
  try {
    await access(file, constants.R_OK);
    return file;
  } catch (error) {
    throw mistake(named, `${file} cannot be read: ${why(error)}`);
  }
}

/** Absolute path of a file that can be made, or replaced; its folder is there then. @throws {InvalidInputError} */
export async function writableFile(name: string, named: string, { cwd }: Place): Promise<string> {
  const file = resolve(cwd, name);
  const found = await stat(file).catch(() => undefined);
  if (found?.isDirectory()) throw mistake(named, `${file} is a folder; name a file in it`);
  try {
    await mkdir(dirname(file), { recursive: true });
    await access(dirname(file), constants.W_OK);
    return file;
  } catch (error) {
    throw mistake(named, `${file} cannot be written: ${why(error)}`);
  }
}

function why(error: unknown): string {
  switch (codeOf(error)) {
    case "ENOENT":
    case "ENOTDIR":
      return "there is no such file; check its name";
    case "EACCES":
    case "EPERM":
      return "this user may not do that; check its permissions, and those of its folder";
    case "EEXIST":
      return "what should be its folder is a file";
    default:
      return messageOf(error);
  }
}

function mistake(path: string, message: string): InvalidInputError {
  return new InvalidInputError("The command line", [{ path, message }], "task");
}
