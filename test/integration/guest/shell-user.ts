/** Somebody at a shell: types, and acknowledges what is shown. */
import type { GuestShell } from "../../../src/guest/guest-shell.ts";
import { encodeShellMessage, parseShellOutput, type ShellStream } from "../../../src/guest/shell-protocol.ts";

export class ShellUser {
  readonly shell: GuestShell;
  /** All has been read; rejects with what the frames throw. */
  readonly finished: Promise<void>;
  readonly ended: ShellStream[] = [];
  readonly sizes = { stdout: 0, stderr: 0 };
  exit: boolean | undefined;
  acknowledged = 0;
  readonly #text = { stdout: "", stderr: "" };
  readonly #waiting = new Set<() => void>();
  /** Runs before each frame is looked at; to be a slow reader. */
  readonly #before: () => Promise<void>;

  constructor(shell: GuestShell, before: () => Promise<void> = async () => {}) {
    this.shell = shell;
    this.#before = before;
    this.finished = this.#read();
    this.finished.catch(() => {});
  }

  /** What was printed; only the end of a long output is kept. */
  get stdout(): string {
    return this.#text.stdout;
  }

  get stderr(): string {
    return this.#text.stderr;
  }

  async type(text: string): Promise<void> {
    await this.shell.send(encodeShellMessage({ type: "data", stream: "stdin", bytes: Buffer.from(text) }));
  }

  async endInput(): Promise<void> {
    await this.type("");
  }

  /** Resolves as soon as stdout has something like `pattern` in it; rejects if it ends without. */
  async sees(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = pattern.exec(this.stdout);
      if (found !== null) return found;
      const more = Promise.withResolvers<void>();
      this.#waiting.add(more.resolve);
      const ended = this.finished.then(() => {
        if (!pattern.test(this.stdout)) throw new Error(`the shell ended without ${pattern}: ${this.stdout}`);
      });
      await Promise.race([more.promise, ended]);
      this.#waiting.delete(more.resolve);
    }
  }

  async #read(): Promise<void> {
    for await (const frame of this.shell.frames) {
      await this.#before();
      const message = parseShellOutput(frame);
      if (message.type === "exit") this.exit = message.success;
      if (message.type === "ack") this.acknowledged += message.count;
      if (message.type !== "data") continue;
      const { stream, bytes } = message;
      if (bytes.length === 0) {
        this.ended.push(stream);
        continue;
      }
      this.sizes[stream] += bytes.length;
      this.#text[stream] = (this.#text[stream] + Buffer.from(bytes).toString("utf8")).slice(-100_000);
      for (const wake of this.#waiting) wake();
      await this.shell.send(encodeShellMessage({ type: "ack", stream, count: bytes.length }));
    }
  }
}
