/**
 * Notices that the host will be taken away, as clouds do with what they rent for less: a file appears, or a command exits
 * with 0.
 *
 *   watching ──▶ given, for good
 *
 * *Owns* a timer, a watch on the folder of the file, and the command while it runs; they end with it, and once the notice
 * is given. None of them keeps the process alive.
 */
import { type FSWatcher, watch } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { codeOf, messageOf } from "../base/errors.ts";
import { type Logger, silentLogger } from "../base/log.ts";
import { CommandError, runCommand } from "./command.ts";

export interface TerminationNoticeOptions {
  file?: string | undefined;
  command?: readonly string[] | undefined;
  /** How often it is looked for; a file is seen as soon as it appears where the folder can be watched. */
  everyMs: number;
  /** Longest run of the command; default 10 s. */
  commandTimeoutMs?: number;
  logger?: Logger;
}

const COMMAND_TIMEOUT_MS = 10_000;
const MAX_REASON_CHARACTERS = 200;

export class TerminationNotice implements AsyncDisposable {
  readonly #options: TerminationNoticeOptions;
  readonly #logger: Logger;
  readonly #given = new AbortController();
  readonly #over = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #watcher: FSWatcher | undefined;
  #look: Promise<void> | undefined;
  #lookAgain = false;
  #lastTrouble: string | undefined;

  private constructor(options: TerminationNoticeOptions) {
    this.#options = options;
    this.#logger = options.logger ?? silentLogger;
  }

  /** With neither file nor command it watches nothing, and the notice is never given. */
  static watch(options: TerminationNoticeOptions): TerminationNotice {
    const notice = new TerminationNotice(options);
    if (options.file === undefined && options.command === undefined) return notice;
    notice.#watchFolder();
    notice.#timer = setInterval(() => notice.check(), options.everyMs).unref();
    notice.check();
    return notice;
  }

  /** Fires when the notice is given. */
  get signal(): AbortSignal {
    return this.#given.signal;
  }

  /** The first line of the file or of what the command printed; undefined until the notice is given. */
  get reason(): string | undefined {
    return this.signal.aborted ? String(this.signal.reason) : undefined;
  }

  /** Looks now; while it looks already, once more afterwards. */
  check(): void {
    if (this.#over.signal.aborted || this.signal.aborted) return;
    if (this.#look !== undefined) {
      this.#lookAgain = true;
      return;
    }
    this.#lookAgain = false;
    this.#look = this.#lookOnce().finally(() => {
      this.#look = undefined;
      if (this.#lookAgain) this.check();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort();
    this.#stopWatching();
    await this.#look;
  }

  async #lookOnce(): Promise<void> {
    try {
      const reason = (await this.#readFile()) ?? (await this.#askCommand());
      this.#lastTrouble = undefined;
      if (reason !== undefined && !this.#over.signal.aborted) this.#give(reason);
    } catch (error) {
      this.#warn(messageOf(error));
    }
  }

  #give(reason: string): void {
    this.#stopWatching();
    this.#given.abort(reason);
  }

  #stopWatching(): void {
    clearInterval(this.#timer);
    this.#watcher?.close();
  }

  /** Once for each kind of trouble: it is looked for every few seconds. */
  #warn(why: string): void {
    if (this.#over.signal.aborted || why === this.#lastTrouble) return;
    this.#lastTrouble = why;
    this.#logger.log("warn", "it could not be asked whether this host will be taken away", { why });
  }

  #watchFolder(): void {
    const { file } = this.#options;
    if (file === undefined) return;
    try {
      this.#watcher = watch(dirname(file), { persistent: false }, (_event, name) => {
        if (name === null || name === basename(file)) this.check();
      });
      // Removed folders, and hosts on which too much is watched: the timer remains.
      this.#watcher.on("error", () => this.#watcher?.close());
    } catch {
      // As above.
    }
  }

  async #readFile(): Promise<string | undefined> {
    const { file } = this.#options;
    if (file === undefined) return undefined;
    if (!(await isThere(file))) return undefined;
    // Whatever it is, and whoever may read it: that it is there counts.
    const text = await readFile(file, { encoding: "utf8", signal: this.#over.signal }).catch(() => "");
    return firstLine(text) ?? `${file} is there`;
  }

  async #askCommand(): Promise<string | undefined> {
    const [program, ...args] = this.#options.command ?? [];
    if (program === undefined) return undefined;
    try {
      const { stdout } = await runCommand([program, ...args], {
        timeoutMs: this.#options.commandTimeoutMs ?? COMMAND_TIMEOUT_MS,
        signal: this.#over.signal,
      });
      return firstLine(stdout) ?? `${program} says so`;
    } catch (error) {
      // That is its answer: no.
      if (error instanceof CommandError && error.code === "command-failed" && error.exitCode !== undefined)
        return undefined;
      throw error;
    }
  }
}

/** @throws what keeps it from being seen. */
async function isThere(file: string): Promise<boolean> {
  try {
    await stat(file);
    return true;
  } catch (error) {
    if (codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR") return false;
    throw error;
  }
}

function firstLine(text: string): string | undefined {
  const line = text.trim().split("\n")[0]?.trim().slice(0, MAX_REASON_CHARACTERS);
  return line === "" ? undefined : line;
}
