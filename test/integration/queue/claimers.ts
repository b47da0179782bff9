/** Processes that claim tasks, and what they say. */
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { orTimeout } from "../../../src/base/abort.ts";
import type { ClaimerOptions } from "../../fixtures/queue/claimer.ts";

const PROGRAM = fileURLToPath(new URL("../../fixtures/queue/claimer.ts", import.meta.url));

const MAX_WAIT_MS = 40_000;

export class Claimer implements AsyncDisposable {
  readonly #child: ReturnType<typeof start>;
  readonly lines: string[] = [];
  #said = Promise.withResolvers<void>();

  constructor(options: ClaimerOptions) {
    this.#child = start(options);
    let rest = "";
    this.#child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      this.lines.push(...lines);
      this.#said.resolve();
      this.#said = Promise.withResolvers();
    });
  }

  /** The first line that begins so, once it is there. */
  async says(begin: string): Promise<string> {
    const search = async () => {
      for (;;) {
        const found = this.lines.find((line) => line.startsWith(begin));
        if (found !== undefined) return found;
        await this.#said.promise;
      }
    };
    return await orTimeout(
      search(),
      MAX_WAIT_MS,
      () => new Error(`not said: ${begin}; but: ${this.lines.join(" | ")}`),
    );
  }

  tell(verb: string): void {
    this.#child.stdin?.write(`${verb}\n`);
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  async end(name: NodeJS.Signals): Promise<void> {
    this.#child.kill(name);
    await this.#child;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.end("SIGKILL");
  }
}

function start(options: ClaimerOptions) {
  return execa(process.execPath, [PROGRAM, JSON.stringify(options)], { reject: false, stderr: "inherit" });
}
