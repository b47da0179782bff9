/** A command line at a terminal of its own, as `script` makes one, and somebody who types there. */
import { readFile } from "node:fs/promises";
import { stripVTControlCharacters } from "node:util";
import { execa } from "execa";
import type { Boxcar, Running } from "./boxcar.ts";

export const SIZE = { columns: 100, rows: 30 };

/** $1: where the name of the terminal is written; $2: its settings, at the end; then the command. */
const IN_TERMINAL = `
name=$1 settings=$2; shift 2
command=$(printf '%q ' "$@")
exec script -qefc "tty > $name; stty columns ${SIZE.columns} rows ${SIZE.rows}; $command; code=\\$?; stty -a > $settings; exit \\$code" /dev/null`;

export class Terminal {
  readonly ended: Promise<{ exitCode: number | undefined }>;
  readonly #process: Running;
  readonly #path: string;
  /** What was printed, and not looked for yet. */
  #unread = "";
  #all = "";
  #more = Promise.withResolvers<void>();

  private constructor(process: Running, path: string) {
    this.#process = process;
    this.#path = path;
    process.stdout?.on("data", (chunk: Buffer) => {
      this.#unread += chunk.toString();
      this.#all += chunk.toString();
      this.#more.resolve();
      this.#more = Promise.withResolvers();
    });
    this.ended = (async () => ({ exitCode: (await process).exitCode }))();
  }

  static start(boxcar: Boxcar, args: readonly string[], env?: Readonly<Record<string, string>>): Terminal {
    const path = boxcar.newPath();
    const prefix = () => ["bash", "-c", IN_TERMINAL, "bash", `${path}.name`, `${path}.settings`];
    return new Terminal(boxcar.start(args, { TERM: "xterm", ...env }, prefix), path);
  }

  /** All of it, with whatever controls the terminal. */
  get printed(): string {
    return this.#all;
  }

  type(text: string): void {
    this.#process.stdin?.write(text);
  }

  /** Resolves when the text has come, after what was waited for before. @throws It ended without. */
  async until(text: string): Promise<void> {
    for (;;) {
      const found = stripVTControlCharacters(this.#unread).indexOf(text);
      if (found >= 0) {
        this.#unread = stripVTControlCharacters(this.#unread).slice(found + text.length);
        return;
      }
      const isMore = await Promise.race([this.#more.promise.then(() => true), this.ended.then(() => false)]);
      if (!isMore) throw new Error(`the command ended without printing ${text}: ${this.#unread}`);
    }
  }

  async resize(columns: number, rows: number): Promise<void> {
    const name = (await readFile(`${this.#path}.name`, "utf8")).trim();
    await execa("stty", ["-F", name, "columns", String(columns), "rows", String(rows)]);
  }

  /** How the terminal was left. */
  async settings(): Promise<string> {
    await this.ended;
    return await readFile(`${this.#path}.settings`, "utf8");
  }
}
