/**
 * The serial console of a machine, over a websocket: bytes, both ways.
 *
 *   connecting ──▶ open ──refused, the machine ends──▶ broken
 *
 * *Owns* the websocket.
 */
import { type ReadonlySignal, signal } from "@preact/signals";
import { messageOf } from "../../core/api.ts";
import type { OpenSocket } from "../machine/access.ts";

export type ConsoleState =
  | { readonly kind: "connecting" | "open" }
  | { readonly kind: "broken"; readonly message: string };

interface ConsoleOptions {
  readonly open: OpenSocket;
  readonly onOutput: (bytes: Uint8Array) => void;
}

const LOST = "the connection to the console is broken";
/** The server takes no longer messages. */
const MAX_MESSAGE_BYTES = 32 * 1_024;

export class ConsoleConnection {
  readonly #state = signal<ConsoleState>({ kind: "connecting" });
  #socket: WebSocket | undefined;

  constructor(options: ConsoleOptions) {
    void this.#connect(options);
  }

  get state(): ReadonlySignal<ConsoleState> {
    return this.#state;
  }

  /** What is typed while there is no connection is forgotten. */
  write(bytes: Uint8Array<ArrayBuffer>): void {
    if (this.#socket?.readyState !== WebSocket.OPEN) return;
    for (let at = 0; at < bytes.length; at += MAX_MESSAGE_BYTES) {
      this.#socket.send(bytes.subarray(at, at + MAX_MESSAGE_BYTES));
    }
  }

  close(): void {
    this.#end("closed");
  }

  async #connect({ open, onOutput }: ConsoleOptions): Promise<void> {
    try {
      const url = await open();
      if (this.#state.peek().kind !== "connecting") return;
      const socket = new WebSocket(url);
      this.#socket = socket;
      socket.binaryType = "arraybuffer";
      socket.addEventListener("open", () => {
        if (this.#state.peek().kind === "connecting") this.#state.value = { kind: "open" };
      });
      socket.addEventListener("message", ({ data }: MessageEvent<unknown>) => {
        if (data instanceof ArrayBuffer) onOutput(new Uint8Array(data));
      });
      socket.addEventListener("close", ({ reason }) => this.#end(reason === "" ? LOST : reason));
    } catch (error) {
      this.#end(messageOf(error));
    }
  }

  /** The first end counts. */
  #end(message: string): void {
    if (this.#state.peek().kind !== "broken") this.#state.value = { kind: "broken", message };
    this.#socket?.close();
  }
}
