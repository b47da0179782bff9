/**
 * Changes to the files of a root, collected and then made by a shell in it: so its links are followed within it, and
 * owners are numbers of its own.
 */
import { copyFile, mkdir, rm, writeFile } from "node:fs/promises";
import { join, posix } from "node:path";
import { ADMINISTRATORS_PATH, runCommand } from "../../host/command.ts";
import type { Owner } from "./accounts.ts";
import type { Starter } from "./namespace.ts";

/** Text, bytes, or a file of this host by its absolute path. */
export type EditContent = string | Uint8Array | { readonly file: string };

export interface RootPlace extends Partial<Owner> {
  /** Absolute, in the root. */
  path: string;
  mode: number;
}

const STAGING = ".boxcar-build";

export class RootEdits {
  readonly #contents: EditContent[] = [];
  readonly #lines: string[] = [];

  /** Takes the place of what was there; folders on the way are made. */
  file({ path, mode, uid = 0, gid = 0 }: RootPlace, content: EditContent): void {
    const staged = `/${STAGING}/${this.#contents.push(content) - 1}`;
    this.#run("mkdir", "-p", posix.dirname(path));
    this.#run("install", "-T", "-o", String(uid), "-g", String(gid), "-m", octal(mode), staged, path);
  }

  directory({ path, mode, uid = 0, gid = 0 }: RootPlace): void {
    this.#run("install", "-d", "-o", String(uid), "-g", String(gid), "-m", octal(mode), path);
  }

  link(path: string, target: string): void {
    this.#run("mkdir", "-p", posix.dirname(path));
    this.#run("ln", "-sfn", target, path);
  }

  /** A copy of a folder of the root, with all that is in it, for an owner; there is none where `source` is not. */
  copy(source: string, { path, mode, uid = 0, gid = 0 }: RootPlace): void {
    this.directory({ path, mode, uid, gid });
    this.#lines.push(`if [ -d ${quote(source)} ]; then cp -R ${quote(`${source}/.`)} ${quote(path)}; fi`);
    this.#run("chown", "-R", `${uid}:${gid}`, path);
  }

  /** @throws {CommandError} of the command that failed; {@link InvalidInputError} is for who planned the edits. */
  async apply(root: string, starter: Starter, signal?: AbortSignal): Promise<void> {
    const staging = join(root, STAGING);
    await mkdir(staging, { mode: 0o700 });
    try {
      for (const [index, content] of this.#contents.entries()) {
        const target = join(staging, String(index));
        if (typeof content === "object" && "file" in content) await copyFile(content.file, target);
        else await writeFile(target, content);
      }
      await writeFile(join(staging, "script"), `set -e\numask 022\n${this.#lines.join("\n")}\n`);
      const env = { PATH: ADMINISTRATORS_PATH };
      await runCommand(["chroot", root, "/bin/sh", `/${STAGING}/script`], { starter, signal, env });
    } finally {
      await rm(staging, { recursive: true, force: true });
    }
  }

  #run(...command: string[]): void {
    this.#lines.push(command.map(quote).join(" "));
  }
}

function octal(mode: number): string {
  return mode.toString(8);
}

function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
