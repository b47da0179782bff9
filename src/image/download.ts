/**
 * Downloads an archive over HTTP, resuming where a connection broke.
 *
 *   request → headers (they tell what it is) → body ⇄ broken → request of the rest → … → end
 *
 * Whatever may pass by itself is tried again with growing pauses: network errors, silence, 408, 429 and 5xx. Any other
 * refusal is final, and the fault of who named the URL. *Owns* the connection until disposal.
 */
import { setTimeout as delay } from "node:timers/promises";
import { orAborted, orTimeout } from "../base/abort.ts";
import { messageOf } from "../base/errors.ts";
import { ImageError } from "./errors.ts";
import type { ArchiveSource } from "./store/archive-source.ts";

export interface DownloadOptions {
  /** What the digest must be, in hexadecimal. */
  sha256?: string | undefined;
  /** Until the headers are there; afterwards the signal given to {@link Download.open} counts. */
  signal?: AbortSignal | undefined;
  /** Attempts without a single new byte before it is given up; default 5. */
  maxAttempts?: number;
  /** Pause after the first failure, doubled each time; default 500 ms. */
  backOffMs?: number;
  /** Silence that counts as a broken connection; default 60 s. */
  stallMs?: number;
}

type Body = AsyncIterator<Uint8Array>;

export class Download implements ArchiveSource, AsyncDisposable {
  readonly key: string | undefined;
  readonly bytes: number | undefined;
  readonly sha256: string | undefined;
  readonly #client: HttpClient;
  readonly #validator: string | undefined;
  readonly #body: Body;
  #isOpen = false;

  private constructor(client: HttpClient, response: Response, sha256: string | undefined) {
    this.#client = client;
    this.#validator = validatorOf(response);
    this.#body = bodyOf(response);
    this.bytes = lengthOf(response);
    this.sha256 = sha256;
    this.key = this.#validator === undefined ? undefined : `url ${client.url} ${this.#validator} ${this.bytes}`;
  }

  /** Asks for the archive; resolves when the server has begun to answer. */
  static async start(url: string, options: DownloadOptions = {}): Promise<Download> {
    const client = new HttpClient(url, options);
    const response = await client.request({}, options.signal);
    return new Download(client, response, options.sha256);
  }

  async *open(signal: AbortSignal): AsyncGenerator<Uint8Array> {
    this.#isOpen = true;
    const close = () => this.#client.abort();
    signal.addEventListener("abort", close, { once: true });
    try {
      let done = 0;
      let body = this.#body;
      for (;;) {
        signal.throwIfAborted();
        const next = await this.#client.read(body, signal);
        if (next instanceof Error) {
          await this.#client.pause(next, signal);
          body = await this.#resume(done, signal);
        } else if (next.done !== true) {
          if (next.value.length === 0) continue;
          this.#client.succeeded();
          done += next.value.length;
          yield next.value;
        } else if (this.bytes !== undefined && done < this.bytes) {
          await this.#client.pause(new Error("the connection was closed early"), signal);
          body = await this.#resume(done, signal);
        } else {
          return;
        }
      }
    } finally {
      signal.removeEventListener("abort", close);
      this.#client.abort();
    }
  }

  async #resume(done: number, signal: AbortSignal): Promise<Body> {
    const headers: Record<string, string> = {};
    if (done > 0) headers["range"] = `bytes=${done}-`;
    if (done > 0 && this.#validator !== undefined) headers["if-range"] = this.#validator;
    const response = await this.#client.request(headers, signal);
    if (validatorOf(response) !== this.#validator) throw this.#client.failed("it was changed during the download");
    if (response.status === 206) {
      if (response.headers.get("content-range")?.startsWith(`bytes ${done}-`) === true) return bodyOf(response);
      throw this.#client.failed("the server sent another part than it was asked for");
    }
    // A server that knows no ranges starts again from the beginning.
    return skip(bodyOf(response), done);
  }

  /** Closes the connection of a download that was never opened; an open one closes it itself. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isOpen) this.#client.abort();
  }
}

/** One URL, asked again and again. */
class HttpClient {
  /** Fit for messages: without credentials and query, which may hold secrets. */
  readonly shownUrl: string;
  readonly url: string;
  readonly #maxAttempts: number;
  readonly #backOffMs: number;
  readonly #stallMs: number;
  #controller = new AbortController();
  #failures = 0;

  constructor(url: string, { maxAttempts = 5, backOffMs = 500, stallMs = 60_000 }: DownloadOptions) {
    const parsed = URL.parse(url);
    if (parsed === null || !/^https?:$/.test(parsed.protocol)) {
      throw new ImageError("image-reference-invalid", `${JSON.stringify(url)} is no http:// or https:// URL`, {
        blame: "task",
      });
    }
    this.url = url;
    this.shownUrl = `${parsed.origin}${parsed.pathname}`;
    this.#maxAttempts = maxAttempts;
    this.#backOffMs = backOffMs;
    this.#stallMs = stallMs;
  }

  async request(headers: Readonly<Record<string, string>>, signal: AbortSignal | undefined): Promise<Response> {
    for (;;) {
      signal?.throwIfAborted();
      this.abort();
      const controller = new AbortController();
      this.#controller = controller;
      const asked = fetch(this.url, {
        // The digest is that of the bytes as they are stored.
        headers: { "accept-encoding": "identity", ...headers },
        signal: controller.signal,
      });
      const response = await this.#guarded(asked, signal);
      if (response instanceof Error) {
        await this.pause(response, signal);
      } else if (response.ok) {
        return response;
      } else {
        await response.body?.cancel();
        await this.#refused(response.status, signal);
      }
    }
  }

  /** The next chunk, or what went wrong if it is worth another attempt. */
  read(body: Body, signal: AbortSignal): Promise<IteratorResult<Uint8Array> | Error> {
    return this.#guarded(body.next(), signal);
  }

  /** Some progress: the count of attempts starts again. */
  succeeded(): void {
    this.#failures = 0;
  }

  async pause(cause: Error, signal: AbortSignal | undefined): Promise<void> {
    this.#failures++;
    if (this.#failures >= this.#maxAttempts) {
      throw this.failed(`${rootMessage(cause)} (after ${this.#failures} attempts)`, cause);
    }
    const pauseMs = this.#backOffMs * 2 ** (this.#failures - 1);
    await orAborted(delay(pauseMs, undefined, { signal }), signal);
  }

  failed(why: string, cause?: unknown): ImageError {
    const message = `the image at ${this.shownUrl} could not be downloaded: ${why}`;
    return new ImageError("image-download-failed", message, { blame: "upstream", cause });
  }

  abort(): void {
    this.#controller.abort();
  }

  async #refused(status: number, signal: AbortSignal | undefined): Promise<void> {
    const passing = status >= 500 || status === 408 || status === 429;
    if (passing) return await this.pause(new Error(`the server answered ${status}`), signal);
    const message = `the image at ${this.shownUrl} cannot be downloaded: the server answered ${status}; check the URL`;
    throw new ImageError("image-download-refused", message, { blame: "task", details: { status } });
  }

  async #guarded<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T | Error> {
    const silence = () => new Error(`nothing came for ${this.#stallMs} ms`);
    try {
      return await orAborted(orTimeout(promise, this.#stallMs, silence), signal);
    } catch (error) {
      signal?.throwIfAborted();
      return error instanceof Error ? error : new Error(messageOf(error));
    }
  }
}

function bodyOf(response: Response): Body {
  const body = response.body ?? new ReadableStream<Uint8Array>({ start: (controller) => controller.close() });
  return body[Symbol.asyncIterator]();
}

/** `body` without its first bytes; what is skipped comes as empty chunks, which tell that the connection lives. */
export async function* skip(body: Body, bytes: number): AsyncGenerator<Uint8Array> {
  let left = bytes;
  for (let next = await body.next(); next.done !== true; next = await body.next()) {
    yield next.value.subarray(left);
    left = Math.max(0, left - next.value.length);
  }
}

/** What tells two versions of a resource apart; a weak ETag does not promise the same bytes. */
function validatorOf({ headers }: Response): string | undefined {
  const etag = headers.get("etag");
  if (etag !== null && !etag.startsWith("W/")) return etag;
  return headers.get("last-modified") ?? undefined;
}

function lengthOf({ headers }: Response): number | undefined {
  const length = headers.get("content-length");
  return length === null || !/^\d+$/.test(length) ? undefined : Number(length);
}

/** "fetch failed" says nothing; its cause does. */
function rootMessage(error: Error): string {
  return error.cause instanceof Error ? rootMessage(error.cause) : error.message;
}
