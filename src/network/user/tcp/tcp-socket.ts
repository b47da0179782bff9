/**
 * A connection from the guest as a stream, with as much of `net.Socket` as
 * `http.Server` and websocket libraries use.
 *
 * `finish` means that the guest has acknowledged everything, the end included.
 * Destroying it earlier resets the connection. A chunk that is written is
 * given away: it may be sent again later, so it must not be changed.
 */
import { Duplex } from "node:stream";
import { formatIpv4Address } from "../../addresses.ts";
import { ADDRESSING } from "../../addressing.ts";
import type { TcpConnection } from "./tcp-connection.ts";

type Callback = (error?: Error | null) => void;

export class TcpSocket extends Duplex {
  readonly remoteAddress: string = ADDRESSING.guestAddress;
  readonly remoteFamily = "IPv4";
  readonly remotePort: number;
  /** Where the guest has connected to. */
  readonly localAddress: string;
  readonly localPort: number;
  readonly #connection: TcpConnection;
  readonly #sendLimitBytes: () => number;
  #wanted = false;
  #ended = false;
  #pendingWrite: Callback | undefined;
  #pendingFinal: Callback | undefined;
  #timer: NodeJS.Timeout | undefined;
  #timeoutMs = 0;
  #activeAtMs = 0;

  /** @param sendLimitBytes Unacknowledged bytes above which the writer waits; may change. */
  constructor(connection: TcpConnection, sendLimitBytes: () => number) {
    // What is read ahead stays in the queue of the connection, where small pieces are put together.
    super({ allowHalfOpen: true, readableHighWaterMark: 1 });
    this.remotePort = connection.guestPort;
    this.localAddress = formatIpv4Address(connection.address);
    this.localPort = connection.port;
    this.#connection = connection;
    this.#sendLimitBytes = sendLimitBytes;
    const unreadBytes = () => this.readableLength;
    connection.attach({
      get unreadBytes() {
        return unreadBytes();
      },
      onReadable: () => this.#deliver(),
      onAcknowledged: () => this.#acceptMore(),
      onFinished: () => this.#settleFinal(),
      onReset: () => this.destroy(Object.assign(new Error("the guest reset the connection"), { code: "ECONNRESET" })),
    });
  }

  /** Emits `timeout`, and does nothing else, when nothing was sent or received for so long; 0 is never. */
  setTimeout(timeoutMs: number, callback?: () => void): this {
    this.#timeoutMs = timeoutMs;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (timeoutMs > 0 && !this.destroyed) {
      this.#activeAtMs = performance.now();
      this.#startTimer(timeoutMs);
    }
    if (callback !== undefined) {
      if (timeoutMs > 0) this.once("timeout", callback);
      else this.off("timeout", callback);
    }
    return this;
  }

  /** Destroys the stream once everything written has arrived. */
  destroySoon(): void {
    if (this.writable) this.end();
    if (this.writableFinished) this.destroy();
    else this.once("finish", () => this.destroy());
  }

  /** Resets the connection, also one on which everything was sent. */
  resetAndDestroy(): this {
    if (!this.destroyed) this.#connection.abort();
    return this.destroy();
  }

  /** Segments are never held back to be merged. */
  setNoDelay(): this {
    return this;
  }

  /** A guest that has died takes its link along. */
  setKeepAlive(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  override _read(): void {
    this.#wanted = true;
    this.#connection.consumed();
    this.#deliver();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: Callback): void {
    this.#connection.send(chunk);
    this.#hold(callback);
  }

  override _writev(chunks: { chunk: Buffer }[], callback: Callback): void {
    for (const { chunk } of chunks) this.#connection.send(chunk);
    this.#hold(callback);
  }

  override _final(callback: Callback): void {
    this.#pendingFinal = callback;
    this.#connection.end();
  }

  override _destroy(error: Error | null, callback: Callback): void {
    clearTimeout(this.#timer);
    this.#connection.detach();
    callback(error);
  }

  #deliver(): void {
    if (!this.#wanted || this.#ended || this.destroyed) return;
    this.#touch();
    const chunk = this.#connection.take();
    if (chunk !== undefined) {
      this.#wanted = false;
      this.push(chunk);
    } else if (this.#connection.readFinished) {
      this.#ended = true;
      this.push(null);
    }
  }

  #hold(callback: Callback): void {
    this.#touch();
    this.#pendingWrite = callback;
    this.#acceptMore();
  }

  #acceptMore(): void {
    this.#touch();
    if (this.#pendingWrite === undefined || this.#connection.sendingBytes >= this.#sendLimitBytes()) return;
    const callback = this.#pendingWrite;
    this.#pendingWrite = undefined;
    callback();
  }

  #settleFinal(): void {
    const callback = this.#pendingFinal;
    this.#pendingFinal = undefined;
    callback?.();
  }

  #touch(): void {
    if (this.#timer !== undefined) this.#activeAtMs = performance.now();
  }

  /** One timer that looks again when it fires is cheaper than one restarted at every packet. */
  #startTimer(delayMs: number): void {
    this.#timer = setTimeout(() => {
      const restMs = this.#activeAtMs + this.#timeoutMs - performance.now();
      if (restMs > 0) this.#startTimer(Math.ceil(restMs));
      else {
        this.#timer = undefined;
        this.emit("timeout");
      }
    }, delayMs).unref();
  }
}
