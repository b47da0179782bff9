/**
 * One shell in the machine, over a websocket.
 *
 *   connecting ──▶ open ──exit──▶ exited
 *       └───────────┴──refused, broken──▶ broken
 *
 * A shell whose connection is gone is killed by the guest: there is nothing to connect to again. *Owns* the websocket.
 */
import { type ReadonlySignal, signal } from "@preact/signals";
import { messageOf } from "../../core/api.ts";
import type { OpenSocket } from "../machine/access.ts";
import { InputQueue } from "./input-queue.ts";
import { decodeOutput, encodeAbort, encodeAck, encodeInput, encodeSize } from "./shell-codec.ts";

export type ShellState =
  | { readonly kind: "connecting" | "open" }
  | { readonly kind: "exited"; readonly success: boolean }
  | { readonly kind: "broken"; readonly message: string };

interface ShellOptions {
  readonly open: OpenSocket;
  /** Resolves when the bytes have been shown; the shell waits for that. */
  readonly onOutput: (bytes: Uint8Array) => Promise<void>;
}

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

export class ShellConnection {
  readonly #state = signal<ShellState>({ kind: "connecting" });
  readonly #options: ShellOptions;
  readonly #input = new InputQueue();
  #size: Size;
  #socket: WebSocket | undefined;

  constructor(size: Size, options: ShellOptions) {
    this.#size = size;
    this.#options = options;
    void this.#connect();
  }

  get state(): ReadonlySignal<ShellState> {
    return this.#state;
  }

  /** @returns whether there was room for it; what is typed into a shell that is gone is forgotten. */
  write(bytes: Uint8Array): boolean {
    if (!this.#input.add(bytes)) return false;
    this.#flush();
    return true;
  }

  resize(size: Size): void {
    this.#size = size;
    this.#send(encodeSize(size.columns, size.rows));
  }

  /** Kills the shell, if it is there. */
  close(): void {
    this.#send(encodeAbort());
    this.#end({ kind: "broken", message: "closed" });
  }

  async #connect(): Promise<void> {
    try {
      const url = await this.#options.open(new URLSearchParams({ tty: "true" }));
      if (this.#state.peek().kind === "connecting") this.#listen(new WebSocket(url));
    } catch (error) {
      this.#end({ kind: "broken", message: messageOf(error) });
    }
  }

  #listen(socket: WebSocket): void {
    this.#socket = socket;
    socket.binaryType = "arraybuffer";
    socket.addEventListener("open", () => {
      this.#state.value = { kind: "open" };
      this.resize(this.#size);
      this.#flush();
    });
    socket.addEventListener("message", ({ data }: MessageEvent<unknown>) => {
      if (data instanceof ArrayBuffer) this.#receive(data);
    });
    socket.addEventListener("close", ({ reason }) => {
      const wasOpen = this.#state.peek().kind === "open";
      const lost = wasOpen
        ? "the connection to the shell is broken; the shell is gone"
        : "no shell could be opened: the machine is gone, or the link has been used or has expired";
      this.#end({ kind: "broken", message: reason === "" ? lost : reason });
    });
  }

  #receive(data: ArrayBuffer): void {
    const message = decodeOutput(data);
    if (message.type === "ack") {
      this.#input.acknowledge(message.count);
      this.#flush();
    } else if (message.type === "data" && message.bytes.length > 0) {
      const { stream, bytes } = message;
      void this.#options.onOutput(bytes).then(() => this.#send(encodeAck(stream, bytes.length)));
    } else if (message.type === "exit") {
      this.#end({ kind: "exited", success: message.success });
    }
  }

  #flush(): void {
    if (this.#socket?.readyState !== WebSocket.OPEN) return;
    for (let block = this.#input.take(); block !== undefined; block = this.#input.take())
      this.#send(encodeInput(block));
  }

  #send(message: Uint8Array<ArrayBuffer>): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(message);
  }

  /** The first end counts. */
  #end(state: ShellState): void {
    const { kind } = this.#state.peek();
    if (kind === "connecting" || kind === "open") this.#state.value = state;
    this.#socket?.close();
  }
}
