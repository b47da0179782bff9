/** Files as a CD. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type CommandOptions, runCommand } from "./command.ts";

export interface CdImageOptions extends Pick<CommandOptions, "signal"> {
  /** Absolute path of the new image. */
  file: string;
  /** Capital letters and digits, at most 16. */
  label: string;
  /** Contents by name. */
  files: Readonly<Record<string, string>>;
  /** Absolute path of a folder that is not there yet; stays, with the files in it. */
  workDirectory: string;
}

export interface FolderCdOptions extends Pick<CommandOptions, "signal" | "timeoutMs"> {
  /** Absolute path of the new image. */
  file: string;
  /** Capital letters and digits, at most 16. */
  label: string;
  /** Absolute path of the folder that it holds. */
  directory: string;
}

const TIMEOUT_MS = 30_000;

/** @throws {CommandError} `command-not-found`: genisoimage is not installed. */
export async function makeCdImage({ file, label, files, workDirectory, signal }: CdImageOptions): Promise<void> {
  await mkdir(workDirectory, { mode: 0o700 });
  for (const [name, content] of Object.entries(files)) await writeFile(join(workDirectory, name), content);
  await makeFolderCd({ file, label, directory: workDirectory, signal, timeoutMs: TIMEOUT_MS });
}

/** @throws {CommandError} `command-not-found`: genisoimage is not installed. */
export async function makeFolderCd({ file, label, directory, ...options }: FolderCdOptions): Promise<void> {
  // Their names as they are, for guests that know one extension or the other.
  const names = ["-joliet", "-joliet-long", "-rational-rock"];
  await runCommand(["genisoimage", "-quiet", ...names, "-volid", label, "-output", file, directory], options);
}
