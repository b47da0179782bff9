/**
 * A shell on a websocket that a guest has opened.
 *
 *   open ──exit──▶ ended
 *        ──guest breaks off, breaks the protocol, is silent; machine ends──▶ ended, with an error
 *        ──dispose──▶ ended: a guest kills a shell whose connection is gone
 *
 * The guest is hostile: what it sends is checked, bounded by the windows, and not read while nobody takes it. *Owns* the
 * socket.
 */
import type { IncomingMessage } from "node:http";
import { type Duplex, Readable } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import { GuestError, type GuestErrorCode } from "./guest-errors.ts";
import type { GuestShell } from "./guest-shell.ts";
import { ShellFlow } from "./shell-flow.ts";
import {
  encodeShellMessage,
  parseShellInput,
  parseShellOutput,
  SHELL_MESSAGE_BYTES,
  SHELL_WINDOW_BYTES,
  ShellProtocolError,
} from "./shell-protocol.ts";

export interface ShellSocketOptions {
  /** Default 15 s. A guest that is silent from one ping to the one after the next is gone. */
  pingMs?: number | undefined;
  /** Between an abort and the exit; default 15 s. */
  abortMs?: number | undefined;
}

const PING_MS = 15_000;
/** Pings without an answer. */
const MAX_UNANSWERED = 3;
/** The guest sends SIGTERM first, and SIGKILL later. */
const ABORT_MS = 15_000;
const CLOSE_MS = 2_000;
const MAX_WAITING_FRAMES = 64;
/** To the guest. What a client may say beside stdin needs little. */
const MAX_UNSENT_BYTES = 2 * SHELL_WINDOW_BYTES;

/** Takes over a connection that asks for a websocket; `accepted` gets the shell at once, or never. */
export function acceptShell(
  { request, socket, head }: { request: IncomingMessage; socket: Duplex; head: Buffer },
  accepted: (shell: SocketShell) => void,
  options: ShellSocketOptions = {},
): void {
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: SHELL_MESSAGE_BYTES,
  });
  server.handleUpgrade(request, socket, head, (webSocket) => accepted(new SocketShell(webSocket, options)));
}

export class SocketShell implements GuestShell {
  readonly done: Promise<{ readonly success: boolean }>;
  readonly #done = Promise.withResolvers<{ readonly success: boolean }>();
  readonly #socket: WebSocket;
  readonly #flow = new ShellFlow();
  readonly #frames: Readable;
  readonly #abortMs: number;
  readonly #pings: NodeJS.Timeout;
  #deadline: NodeJS.Timeout | undefined;
  #unanswered = 0;
  #ended = false;

  constructor(socket: WebSocket, { pingMs = PING_MS, abortMs = ABORT_MS }: ShellSocketOptions = {}) {
    this.#socket = socket;
    this.#abortMs = abortMs;
    this.done = this.#done.promise;
    this.done.catch(() => {});
    this.#frames = new Readable({
      objectMode: true,
      highWaterMark: MAX_WAITING_FRAMES,
      read: () => socket.resume(),
      destroy: (error, callback) => {
        this.#leave();
        callback(error);
      },
    });
    // Whoever iterates gets it.
    this.#frames.on("error", () => {});
    socket.on("message", (data, isBinary) => this.#receive(data as Buffer, isBinary));
    socket.on("pong", () => {
      this.#unanswered = 0;
    });
    // It says that the guest broke the protocol of websockets; "close" follows.
    socket.on("error", (cause) => this.#break("guest-protocol-error", "sent what is no websocket message", cause));
    socket.on("close", () => this.#break("guest-transfer-broken", "broke off"));
    this.#pings = setInterval(() => this.#ping(), pingMs);
  }

  get frames(): AsyncIterable<Buffer> {
    return this.#frames;
  }

  async send(frame: Uint8Array): Promise<void> {
    const message = parseShellInput(frame);
    if (this.#ended) return;
    this.#flow.input(message);
    if (message.type === "abort") this.abort();
    else await this.#write(frame);
  }

  async resize(columns: number, rows: number): Promise<void> {
    await this.send(encodeShellMessage({ type: "size", columns, rows }));
  }

  abort(): void {
    if (this.#ended || this.#deadline !== undefined) return;
    this.#deadline = setTimeout(
      () => this.#break("guest-not-answering", "did not end it when it was told to"),
      this.#abortMs,
    );
    this.#socket.send(encodeShellMessage({ type: "abort" }));
  }

  /** Ends it with an error: its machine has ended. */
  close(reason: unknown): void {
    if (this.#ended) return;
    this.#done.reject(reason);
    this.#finish();
    this.#socket.terminate();
    this.#frames.destroy(reason instanceof Error ? reason : new GuestError("guest-session-closed", String(reason)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#leave();
    if (!this.#frames.destroyed && !this.#frames.readableEnded) this.#frames.push(null);
  }

  /** Nobody wants it any more. */
  #leave(): void {
    if (this.#ended) return;
    this.#done.resolve({ success: false });
    this.#finish();
    this.#socket.terminate();
  }

  #finish(): void {
    this.#ended = true;
    clearInterval(this.#pings);
    clearTimeout(this.#deadline);
  }

  #receive(data: Buffer, isBinary: boolean): void {
    if (this.#ended) return;
    this.#unanswered = 0;
    try {
      if (!isBinary) throw new ShellProtocolError("a message of a shell is text");
      const message = parseShellOutput(data);
      this.#flow.output(message);
      // A part of a buffer would keep all of it, and one that says nothing need not wait.
      const isIdle = message.type === "ack" && message.count === 0;
      const wantsMore = isIdle || this.#frames.push(Buffer.from(data));
      if (message.type === "exit") this.#exit(message.success);
      else if (!wantsMore) this.#socket.pause();
    } catch (cause) {
      this.#break("guest-protocol-error", "broke its protocol", cause);
    }
  }

  #exit(success: boolean): void {
    this.#frames.push(null);
    this.#done.resolve({ success });
    this.#finish();
    this.#socket.close(1_000);
    const timer = setTimeout(() => this.#socket.terminate(), CLOSE_MS);
    this.#socket.on("close", () => clearTimeout(timer));
  }

  #ping(): void {
    // A guest that is not read cannot be heard either.
    this.#unanswered = this.#socket.isPaused ? 0 : this.#unanswered + 1;
    if (this.#unanswered > MAX_UNANSWERED) this.#break("guest-not-answering", "does not answer");
    else this.#socket.ping();
  }

  #break(code: GuestErrorCode, what: string, cause?: unknown): void {
    const why = cause instanceof ShellProtocolError ? `: ${cause.message}` : "";
    this.close(new GuestError(code, `the guest ${what}, so its shell has ended${why}`, { cause }));
  }

  /** Resolves when it is with the kernel, or when nobody will take it any more. */
  async #write(frame: Uint8Array): Promise<void> {
    if (this.#socket.bufferedAmount > MAX_UNSENT_BYTES) {
      throw new ShellProtocolError("the guest does not take what was sent before; wait for that");
    }
    await new Promise<void>((resolve) => this.#socket.send(frame, () => resolve()));
  }
}
