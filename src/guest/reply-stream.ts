/**
 * A body the guest is sending, as a stream for the host: bounded, watched, and with errors that say what happened.
 *
 * *Owns* the request: to destroy the stream closes the guest's connection, which makes the guest stop.
 */
import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import { codeOf } from "../base/errors.ts";
import { GuestError } from "./guest-errors.ts";

export interface ReplyStreamOptions {
  /** What is being sent, for messages. */
  subject: string;
  maxBytes?: number | undefined;
  /** How long the guest may be silent while somebody reads; default 60 s. */
  idleTimeoutMs?: number | undefined;
}

export class ReplyStream extends Readable {
  readonly #request: IncomingMessage;
  readonly #options: ReplyStreamOptions;
  #sizeBytes = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(request: IncomingMessage, options: ReplyStreamOptions) {
    super({ highWaterMark: 256 * 1_024 });
    this.#request = request;
    this.#options = options;
    request.pause();
    request.on("data", (chunk: Buffer) => this.#take(chunk));
    request.on("end", () => {
      clearTimeout(this.#timer);
      this.push(null);
    });
    // ECONNRESET is how Node says that the guest went away; anything else is why the host closed the connection.
    request.on("error", (error) => {
      if (codeOf(error) !== "ECONNRESET") this.destroy(error);
    });
    request.on("close", () => {
      clearTimeout(this.#timer);
      if (!request.complete) this.#fail("guest-transfer-broken", "the guest broke off while it was sending");
    });
  }

  override _read(): void {
    this.#watch();
    this.#request.resume();
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    clearTimeout(this.#timer);
    if (!this.#request.complete) this.#request.destroy();
    callback(error);
  }

  #take(chunk: Buffer): void {
    this.#sizeBytes += chunk.length;
    if (this.#sizeBytes > (this.#options.maxBytes ?? Number.POSITIVE_INFINITY)) {
      this.#fail("file-too-large", `more than the ${this.#options.maxBytes} bytes that are allowed came for`);
    } else if (this.push(chunk)) {
      this.#watch();
    } else {
      clearTimeout(this.#timer);
      this.#request.pause();
    }
  }

  #watch(): void {
    clearTimeout(this.#timer);
    const idleMs = this.#options.idleTimeoutMs ?? 60_000;
    this.#timer = setTimeout(() => this.#fail("guest-not-answering", "the guest stopped sending"), idleMs);
  }

  #fail(code: "guest-transfer-broken" | "file-too-large" | "guest-not-answering", what: string): void {
    this.destroy(new GuestError(code, `${what} ${this.#options.subject}`));
  }
}
