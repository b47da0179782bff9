/**
 * The client's side of a shell: input in blocks and within the window of the guest, output acknowledged when it has been
 * written. *Owns* the websocket.
 */
import type { Writable } from "node:stream";
import type { WebSocket } from "ws";
import { messageOf } from "../../base/errors.ts";
import {
  encodeShellMessage,
  parseShellOutput,
  SHELL_BLOCK_BYTES,
  SHELL_WINDOW_BYTES,
  type ShellOutput,
} from "../../guest/shell-protocol.ts";

/** `unread`: nobody reads any more what it prints. */
export type ShellEnd = { readonly success: boolean } | "lost" | "left" | "unread";

export class ShellClient {
  readonly #socket: WebSocket;
  readonly #outputs: { readonly stdout: Writable; readonly stderr: Writable };
  readonly #end = Promise.withResolvers<ShellEnd>();
  /** Sent, and not acknowledged. */
  #onItsWay = 0;
  #acknowledged = Promise.withResolvers<void>();
  #writing: Promise<void> = Promise.resolve();
  /** Why the connection is over, where the shell did not end. */
  why = "the worker has closed it";

  constructor(socket: WebSocket, outputs: { stdout: Writable; stderr: Writable }) {
    this.#socket = socket;
    this.#outputs = outputs;
    socket.on("message", (data: Buffer) => this.#read(data));
    socket.on("error", (error) => {
      this.why = error.message;
    });
    socket.once("close", (code, reason) => {
      if (reason.length > 0) this.why = `${reason} (${code})`;
      this.#finish("lost");
    });
  }

  /** Resolves when the shell has ended and what it printed is written. @param input Its end is that of stdin. */
  async run(input: AsyncIterable<Uint8Array>): Promise<ShellEnd> {
    // Who still waits for something to be typed does not keep a shell that has ended.
    void this.#sendAll(input).catch((error: unknown) => this.#giveUp(`stdin cannot be read: ${messageOf(error)}`));
    this.#socket.resume();
    const end = await this.#end.promise;
    if (end !== "left" && end !== "unread") await this.#writing;
    this.#socket.terminate();
    return end;
  }

  /** Has the shell killed, and waits for nothing. */
  leave(end: ShellEnd = "left"): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.send(encodeShellMessage({ type: "abort" }));
    this.#finish(end);
  }

  async #sendAll(input: AsyncIterable<Uint8Array>): Promise<void> {
    for await (const chunk of input) {
      for (let at = 0; at < chunk.length; at += SHELL_BLOCK_BYTES) {
        await this.#sendBlock(chunk.subarray(at, at + SHELL_BLOCK_BYTES));
      }
    }
    await this.#sendBlock(Buffer.alloc(0));
  }

  async #sendBlock(bytes: Uint8Array): Promise<void> {
    while (this.#onItsWay + bytes.length > SHELL_WINDOW_BYTES) await this.#acknowledged.promise;
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    this.#onItsWay += bytes.length;
    this.#socket.send(encodeShellMessage({ type: "data", stream: "stdin", bytes }));
  }

  #read(data: Buffer): void {
    try {
      this.#hear(parseShellOutput(data));
    } catch (error) {
      this.#giveUp(messageOf(error));
    }
  }

  #giveUp(why: string): void {
    this.why = why;
    this.#socket.terminate();
  }

  #hear(message: ShellOutput): void {
    switch (message.type) {
      case "ack":
        this.#onItsWay -= message.count;
        this.#acknowledged.resolve();
        this.#acknowledged = Promise.withResolvers();
        return;
      case "exit":
        this.#finish({ success: message.success });
        return;
      case "data":
        this.#writing = this.#writing.then(() => this.#write(message));
    }
  }

  async #write({ stream, bytes }: Extract<ShellOutput, { type: "data" }>): Promise<void> {
    if (bytes.length === 0) return;
    const output = this.#outputs[stream];
    const failure = await new Promise<unknown>((resolve) => output.write(bytes, resolve));
    if (failure) this.leave("unread");
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    this.#socket.send(encodeShellMessage({ type: "ack", stream, count: bytes.length }));
  }

  #finish(end: ShellEnd): void {
    this.#end.resolve(end);
  }
}
