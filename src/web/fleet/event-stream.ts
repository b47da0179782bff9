/**
 * What happens, to any number of clients, as server-sent events.
 *
 *   hello ──▶ event … with a comment now and then ──▶ the client hangs up, or does not read: it is cut off
 *
 * `gap` says that events may be missing: who gets it, or connects again, asks for everything anew. *Owns* its clients,
 * and one watch on the queue while there are any.
 */
import type { ServerResponse } from "node:http";
import type { QueueEvent, QueueEvents } from "../../queue/queue-events.ts";
import { ApiError } from "../api/api-error.ts";

export interface EventStreamsOptions {
  /** Of this worker. */
  readonly workerId: string;
  readonly events: QueueEvents;
  /** Default 500. */
  readonly maxClients?: number;
  /** Of one who asks; default 100. */
  readonly maxClientsEach?: number;
  /** What may wait for a client; default 256 KiB. */
  readonly maxWaitingBytes?: number;
  /** Default 15 s. */
  readonly commentMs?: number;
}

const MAX_CLIENTS = 500;
const MAX_CLIENTS_EACH = 100;
const MAX_WAITING_BYTES = 256 * 1_024;
const COMMENT_MS = 15_000;
const RETRY_MS = 3_000;

const HEADERS = {
  "Content-Type": "text/event-stream; charset=utf-8",
  "Cache-Control": "no-store",
  // Some proxies collect an answer before they pass it on.
  "X-Accel-Buffering": "no",
};

export class EventStreams implements AsyncDisposable {
  readonly #options: EventStreamsOptions;
  /** And who it is. */
  readonly #clients = new Map<ServerResponse, string>();
  readonly #timer: NodeJS.Timeout;
  #watch: Promise<AsyncDisposable> | undefined;
  #isDisposed = false;

  constructor(options: EventStreamsOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#send(":\n\n"), options.commentMs ?? COMMENT_MS).unref();
  }

  get size(): number {
    return this.#clients.size;
  }

  /**
   * Resolves when the client is told of what happens from now on. It has been said hello then.
   *
   * @param options.who Name of who asks.
   * @throws {ApiError} `too-many-clients` @throws {QueueError}
   */
  async add(response: ServerResponse, { who }: { who: string }): Promise<void> {
    const { workerId, maxClients = MAX_CLIENTS, maxClientsEach = MAX_CLIENTS_EACH } = this.#options;
    if (response.req.method === "HEAD") {
      response.writeHead(200, HEADERS).end();
      return;
    }
    if (this.#isDisposed || this.#clients.size >= maxClients) {
      throw new ApiError(503, "too-many-clients", "too many clients follow events already; close some, or ask later");
    }
    if ([...this.#clients.values()].filter((name) => name === who).length >= maxClientsEach) {
      const message = `${maxClientsEach} clients of yours follow events already; close some`;
      throw new ApiError(429, "too-many-clients", message, undefined, { "Retry-After": "10" });
    }
    this.#clients.set(response, who);
    response.once("close", () => this.#remove(response));
    try {
      await this.#watching();
    } catch (error) {
      this.#remove(response);
      throw error;
    }
    if (response.destroyed) return;
    response.writeHead(200, HEADERS);
    response.write(`retry: ${RETRY_MS}\n\n${encodeEvent("hello", { workerId })}`);
  }

  #watching(): Promise<AsyncDisposable> {
    this.#watch ??= this.#options.events
      .watch({
        onEvent: ({ kind, ...data }: QueueEvent) => this.#send(encodeEvent(kind, data)),
        onGap: () => this.#send(encodeEvent("gap", {})),
      })
      .catch((error: unknown) => {
        this.#watch = undefined;
        throw error;
      });
    return this.#watch;
  }

  #send(text: string): void {
    const { maxWaitingBytes = MAX_WAITING_BYTES } = this.#options;
    for (const client of this.#clients.keys()) {
      // It has not been said hello yet.
      if (!client.headersSent) continue;
      if (client.writableLength > maxWaitingBytes) client.destroy();
      else client.write(text);
    }
  }

  #remove(client: ServerResponse): void {
    this.#clients.delete(client);
    if (this.#clients.size > 0) return;
    const watch = this.#watch;
    this.#watch = undefined;
    watch?.then((watching) => watching[Symbol.asyncDispose]()).catch(() => {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isDisposed = true;
    clearInterval(this.#timer);
    const watch = this.#watch;
    this.#watch = undefined;
    for (const client of this.#clients.keys()) client.destroy();
    this.#clients.clear();
    await watch?.then((watching) => watching[Symbol.asyncDispose]()).catch(() => {});
  }
}

/** One line of JSON has no line breaks. */
export function encodeEvent(name: string, data: object): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}
