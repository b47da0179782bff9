/**
 * A program in a guest as two streams: what it prints, and what it is told.
 *
 * *Borrows* the shell. What is told waits for the guest to take it, which is heard only while somebody reads `output`.
 */
import type { GuestShell } from "../../guest/guest-shell.ts";
import {
  encodeShellMessage,
  parseShellOutput,
  SHELL_BLOCK_BYTES,
  SHELL_WINDOW_BYTES,
  type ShellOutput,
} from "../../guest/shell-protocol.ts";

const MAX_ERRORS = 2_000;

export class GuestPipe {
  readonly #shell: GuestShell;
  #room = SHELL_WINDOW_BYTES;
  #more = Promise.withResolvers<void>();
  #errors = "";
  #hasEnded = false;

  constructor(shell: GuestShell) {
    this.#shell = shell;
  }

  /** The end of what it wrote to stderr. */
  get errors(): string {
    return this.#errors;
  }

  /** What it prints, until it ends; to be iterated once. Throws why the guest or its machine is gone. */
  async *output(): AsyncGenerator<Buffer> {
    try {
      for await (const frame of this.#shell.frames) {
        const message = parseShellOutput(frame);
        if (message.type === "ack") this.#widen(message.count);
        if (message.type !== "data" || message.bytes.length === 0) continue;
        if (message.stream === "stdout") yield asBuffer(message.bytes);
        else this.#errors = (this.#errors + asBuffer(message.bytes).toString()).slice(-MAX_ERRORS);
        await this.#acknowledge(message);
      }
    } finally {
      this.#hasEnded = true;
      this.#more.resolve();
    }
  }

  /** Resolves when all of it is on its way, or when nobody will take it any more. */
  async write(bytes: Uint8Array): Promise<void> {
    for (let from = 0; from < bytes.length && !this.#hasEnded; ) {
      const part = bytes.subarray(from, from + Math.min(this.#room, SHELL_BLOCK_BYTES));
      if (part.length === 0) {
        await this.#more.promise;
        continue;
      }
      this.#room -= part.length;
      from += part.length;
      await this.#shell.send(encodeShellMessage({ type: "data", stream: "stdin", bytes: part }));
    }
  }

  /** It is told nothing more. */
  async end(): Promise<void> {
    if (this.#hasEnded) return;
    await this.#shell.send(encodeShellMessage({ type: "data", stream: "stdin", bytes: Buffer.alloc(0) }));
  }

  #widen(count: number): void {
    this.#room += count;
    const waiting = this.#more;
    this.#more = Promise.withResolvers<void>();
    waiting.resolve();
  }

  async #acknowledge({ stream, bytes }: Extract<ShellOutput, { type: "data" }>): Promise<void> {
    await this.#shell.send(encodeShellMessage({ type: "ack", stream, count: bytes.length }));
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
