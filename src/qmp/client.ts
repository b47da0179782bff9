/**
 * A client of QEMU's monitor.
 *
 *     connecting ──greeting, qmp_capabilities──▶ ready ──stream ends──▶ closed
 *
 * *Owns* the stream it is given. Replies are matched by id, so calls may
 * overlap; QEMU runs them in order.
 */
import type { Duplex } from "node:stream";
import { orTimeout } from "../base/abort.ts";
import { QmpClosedError, QmpCommandError, QmpTimeoutError } from "./errors.ts";
import { encodeCommand, QmpDecoder, type QmpEvent, type QmpMessage } from "./messages.ts";

const DEFAULT_TIMEOUT_MS = 10_000;

interface PendingCommand {
  command: string;
  reply: PromiseWithResolvers<unknown>;
}

export class QmpClient implements AsyncDisposable {
  readonly #stream: Duplex;
  readonly #decoder = new QmpDecoder();
  readonly #pending = new Map<number, PendingCommand>();
  readonly #listeners = new Set<(event: QmpEvent) => void>();
  readonly #greeting = Promise.withResolvers<string>();
  readonly #closed = Promise.withResolvers<void>();
  #nextId = 1;
  #closedBy: QmpClosedError | undefined;

  private constructor(stream: Duplex) {
    this.#stream = stream;
    // Nobody may be waiting when the stream ends.
    this.#greeting.promise.catch(() => {});
    stream.on("data", (chunk: Buffer) => this.#receive(chunk));
    stream.on("error", (error) => this.#close(new QmpClosedError("the monitor's connection broke", error)));
    stream.on("close", () => this.#close(new QmpClosedError("QEMU closed the monitor")));
  }

  /**
   * Negotiates on a stream that is connected to a monitor which has not spoken yet.
   *
   * @throws {QmpClosedError | QmpTimeoutError} The peer went away or never greeted; the stream is destroyed.
   */
  static async connect(stream: Duplex, options: { timeoutMs?: number } = {}): Promise<QmpClient> {
    const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    const client = new QmpClient(stream);
    try {
      await orTimeout(client.#greeting.promise, timeoutMs, () => new QmpTimeoutError("the greeting", timeoutMs));
      await client.execute("qmp_capabilities", undefined, { timeoutMs });
    } catch (error) {
      stream.destroy();
      throw error;
    }
    return client;
  }

  /** Settles when the connection has ended, for whatever reason; never rejects. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  /** Whether {@link closed} has settled. */
  get isClosed(): boolean {
    return this.#closedBy !== undefined;
  }

  /** Calls `listener` for each event from now on; the returned function stops that. */
  onEvent(listener: (event: QmpEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Runs one monitor command and resolves with its `return` value.
   *
   * @param options.timeoutMs Wall-clock limit for the reply; default 10 000 ms.
   * @throws {QmpCommandError} QEMU refused; the client stays usable.
   * @throws {QmpClosedError} No reply will come, and whether the command ran is unknown.
   * @throws {QmpTimeoutError} QEMU hangs; dispose the machine.
   */
  async execute(command: string, args?: object, options: { timeoutMs?: number } = {}): Promise<unknown> {
    if (this.#closedBy !== undefined) throw this.#closedBy;
    const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    const id = this.#nextId++;
    const reply = Promise.withResolvers<unknown>();
    this.#pending.set(id, { command, reply });
    this.#stream.write(encodeCommand(id, command, args));
    try {
      return await orTimeout(reply.promise, timeoutMs, () => new QmpTimeoutError(command, timeoutMs));
    } finally {
      this.#pending.delete(id);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#close(new QmpClosedError("the monitor's client was disposed"));
    this.#stream.destroy();
  }

  #receive(chunk: Buffer): void {
    if (this.#closedBy !== undefined) return;
    try {
      for (const message of this.#decoder.push(chunk)) this.#dispatch(message);
    } catch (error) {
      this.#close(new QmpClosedError("the monitor's connection can't be read", error));
      this.#stream.destroy();
    }
  }

  #dispatch(message: QmpMessage): void {
    switch (message.kind) {
      case "greeting":
        this.#greeting.resolve(message.version);
        return;
      case "event":
        for (const listener of [...this.#listeners]) listener(message.event);
        return;
      case "return":
        this.#pending.get(Number(message.id))?.reply.resolve(message.value);
        return;
      case "error": {
        const pending = this.#pending.get(Number(message.id));
        pending?.reply.reject(new QmpCommandError(pending.command, message.errorClass, message.description));
        return;
      }
    }
  }

  #close(reason: QmpClosedError): void {
    if (this.#closedBy !== undefined) return;
    this.#closedBy = reason;
    this.#greeting.reject(reason);
    for (const { reply } of this.#pending.values()) reply.reject(reason);
    this.#closed.resolve();
  }
}
