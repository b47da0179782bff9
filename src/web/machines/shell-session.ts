/** One client at one shell. Who sends more than the windows of the protocol let through is hung up on. */
import type { WebSocket } from "ws";
import { messageOf } from "../../base/errors.ts";
import type { GuestShell } from "../../guest/guest-shell.ts";
import { SHELL_WINDOW_BYTES } from "../../guest/shell-protocol.ts";
import { closeSocket } from "../api/close-socket.ts";

/** Said before the guest has opened its side: what a client may send unasked, and then some. */
const MAX_EARLY_BYTES = 2 * SHELL_WINDOW_BYTES;
const FRAME_COST_BYTES = 64;

/** What is joined to a client. */
export type ShellPeer = Pick<GuestShell, "frames" | "send" | typeof Symbol.asyncDispose>;

export class ShellSession {
  readonly #client: WebSocket;
  #early: Buffer[] = [];
  #earlyBytes = 0;
  #shell: ShellPeer | undefined;
  #isOver = false;

  constructor(client: WebSocket) {
    this.#client = client;
    client.on("message", (data: Buffer, isBinary: boolean) => {
      if (isBinary) this.#hear(data);
      else this.#refuse("messages of a shell are binary");
    });
  }

  /** Resolves when the shell has ended, or the client is gone. @throws What `frames` of the shell throws. */
  async join(shell: ShellPeer): Promise<void> {
    this.#client.once("close", () => void shell[Symbol.asyncDispose]());
    this.#shell = shell;
    for (const frame of this.#early) this.#pass(shell, frame);
    this.#early = [];
    if (this.#client.readyState !== this.#client.OPEN) await shell[Symbol.asyncDispose]();
    for await (const frame of shell.frames) {
      // One that does not take it has its shell wait.
      await new Promise((resolve) => this.#client.send(frame, { binary: true }, resolve));
    }
  }

  #hear(frame: Buffer): void {
    if (this.#isOver) return;
    if (this.#shell !== undefined) {
      this.#pass(this.#shell, frame);
      return;
    }
    this.#earlyBytes += frame.length + FRAME_COST_BYTES;
    if (this.#earlyBytes > MAX_EARLY_BYTES) this.#refuse("too much was sent before there was a shell");
    else this.#early.push(frame);
  }

  #pass(shell: ShellPeer, frame: Buffer): void {
    shell.send(frame).catch((error: unknown) => {
      this.#refuse(messageOf(error));
      void shell[Symbol.asyncDispose]();
    });
  }

  #refuse(why: string): void {
    this.#isOver = true;
    this.#early = [];
    closeSocket(this.#client, 1_008, why);
  }
}
