/**
 * A folder that builds write to while programs and pages read it: what is there already is not written again, nobody
 * reads half a file, and what an earlier build made stays for a day, for those who run and have not loaded it yet.
 */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";

const DAY_MS = 86_400_000;

export class BuildFolder {
  readonly #path: string;

  /** @param path Absolute. */
  constructor(path: string) {
    this.#path = path;
  }

  write(name: string, content: string | Buffer): void {
    const file = join(this.#path, name);
    if (existsSync(file) && readFileSync(file).equals(Buffer.from(content))) return;
    mkdirSync(dirname(file), { recursive: true });
    const part = `${file}.${process.pid}`;
    writeFileSync(part, content);
    renameSync(part, file);
  }

  /**
   * @param current Names of what this build has made.
   * @param below Folder in it that is looked through; its names stand behind it in `current`.
   */
  removeOld(current: ReadonlySet<string>, below = ""): void {
    const now = new Date();
    for (const entry of readdirSync(join(this.#path, below))) {
      const file = join(this.#path, below, entry);
      if (current.has(join(below, entry))) utimesSync(file, now, now);
      else if (statSync(file).mtimeMs < Date.now() - DAY_MS) rmSync(file, { force: true });
    }
  }
}
