/**
 * Downloads a file over HTTP, resuming where a connection broke.
 *
 *   request → headers (they tell what it is) → body ⇄ broken → request of the rest → … → end
 *
 * Whatever may pass by itself is tried again with growing pauses: network errors, silence, 408, 429 and 5xx. Any other
 * refusal is final, and the fault of who named the URL. Redirects are followed anew each time. *Owns* the connection until disposal.
 */
import { setTimeout as delay } from "node:timers/promises";
import { orAborted, orTimeout } from "../base/abort.ts";
import { messageOf, WorkerError } from "../base/errors.ts";
import { DownloadError } from "./download-error.ts";
import { get, type HttpResponse } from "./get.ts";

export interface DownloadOptions {
  /** What it is, for messages; default "the file". */
  subject?: string;
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
  /**
   * Asked before each request, those that a redirect leads to included. What it throws ends the download.
   *
   * @returns whether the server must have an address of the internet. Default: it need not.
   */
  admit?: (url: URL) => { publicOnly: boolean };
  /** Asked before each request, those that a redirect leads to included: what else it says. */
  headers?: (url: URL) => Promise<Readonly<Record<string, string>>>;
}

type Body = AsyncIterator<Uint8Array>;

const MAX_REDIRECTS = 10;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** The digest is that of the bytes as they are stored. */
const HEADERS = { "accept-encoding": "identity", "user-agent": "boxcar" };

export class Download implements AsyncDisposable {
  /** The same for the same contents, and never for others; undefined where the server does not say. */
  readonly key: string | undefined;
  /** Tells this content from others that were there before, or will be; undefined where the server does not say. */
  readonly version: string | undefined;
  /** How the bytes are packed, which are as they are stored; undefined: not at all, as far as the server says. */
  readonly contentEncoding: string | undefined;
  /** undefined where the server does not say. */
  readonly bytes: number | undefined;
  readonly sha256: string | undefined;
  readonly #client: HttpClient;
  readonly #validator: string | undefined;
  readonly #body: Body;
  #isOpen = false;

  private constructor(client: HttpClient, response: HttpResponse, sha256: string | undefined) {
    this.#client = client;
    this.#validator = validatorOf(response);
    this.#body = bodyOf(response);
    this.bytes = lengthOf(response);
    this.sha256 = sha256;
    this.contentEncoding = response.headers["content-encoding"]?.trim().toLowerCase();
    this.version = this.#validator === undefined ? undefined : `${this.#validator} ${this.bytes}`;
    this.key = this.version === undefined ? undefined : `url ${client.url.href} ${this.version}`;
  }

  /** Asks for the file; resolves when the server has begun to answer. @throws {DownloadError} */
  static async start(url: string, options: DownloadOptions = {}): Promise<Download> {
    const client = new HttpClient(url, options);
    const response = await client.request({}, options.signal);
    return new Download(client, response, options.sha256);
  }

  /** At most once. */
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
      if (response.headers["content-range"]?.startsWith(`bytes ${done}-`) === true) return bodyOf(response);
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
  /** See {@link showUrl}. */
  readonly shownUrl: string;
  readonly url: URL;
  readonly #subject: string;
  readonly #admit: NonNullable<DownloadOptions["admit"]>;
  readonly #headers: NonNullable<DownloadOptions["headers"]>;
  readonly #maxAttempts: number;
  readonly #backOffMs: number;
  readonly #stallMs: number;
  #controller = new AbortController();
  #failures = 0;

  constructor(url: string, options: DownloadOptions) {
    const { subject = "the file", maxAttempts = 5, backOffMs = 500, stallMs = 60_000 } = options;
    const parsed = URL.parse(url);
    if (parsed === null || !isHttp(parsed)) {
      const message = `${JSON.stringify(url)} is no http:// or https:// URL`;
      throw new DownloadError("url-invalid", message, { blame: "task" });
    }
    this.url = parsed;
    this.shownUrl = showUrl(parsed);
    this.#subject = subject;
    this.#admit = options.admit ?? (() => ({ publicOnly: false }));
    this.#headers = options.headers ?? (async () => ({}));
    this.#maxAttempts = maxAttempts;
    this.#backOffMs = backOffMs;
    this.#stallMs = stallMs;
  }

  async request(headers: Readonly<Record<string, string>>, signal: AbortSignal | undefined): Promise<HttpResponse> {
    for (;;) {
      signal?.throwIfAborted();
      this.abort();
      const controller = new AbortController();
      this.#controller = controller;
      const response = await this.#guarded(this.#follow(headers, controller.signal), signal);
      if (response instanceof Error) {
        await this.pause(response, signal);
      } else if (response.status >= 200 && response.status < 300) {
        return response;
      } else {
        response.body.destroy();
        await this.#refused(response.status, signal);
      }
    }
  }

  async #follow(headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<HttpResponse> {
    let url = this.url;
    for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
      const all = { ...HEADERS, ...(await this.#headers(url)), ...headers };
      const response = await get(url, { headers: all, signal, ...this.#admit(url) });
      const target = redirectTarget(response, url);
      if (target === undefined) return response;
      response.body.destroy();
      if (!isHttp(target)) throw this.#denied(`it leads to ${JSON.stringify(target.protocol)}`);
      url = target;
    }
    throw this.#denied(`it was redirected more than ${MAX_REDIRECTS} times`);
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

  failed(why: string, cause?: unknown): DownloadError {
    const message = `${this.#subject} at ${this.shownUrl} could not be downloaded: ${why}`;
    return new DownloadError("download-failed", message, { blame: "upstream", cause });
  }

  #denied(why: string, details: Readonly<Record<string, unknown>> = {}): DownloadError {
    const message = `${this.#subject} at ${this.shownUrl} cannot be downloaded: ${why}; check the URL`;
    return new DownloadError("download-refused", message, { blame: "task", details });
  }

  abort(): void {
    this.#controller.abort();
  }

  async #refused(status: number, signal: AbortSignal | undefined): Promise<void> {
    const passing = status >= 500 || status === 408 || status === 429;
    if (passing) return await this.pause(new Error(`the server answered ${status}`), signal);
    throw this.#denied(`the server answered ${status}`, { status });
  }

  async #guarded<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T | Error> {
    const silence = () => new Error(`nothing came for ${this.#stallMs} ms`);
    try {
      return await orAborted(orTimeout(promise, this.#stallMs, silence), signal);
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof WorkerError) throw error;
      return error instanceof Error ? error : new Error(messageOf(error));
    }
  }
}

function isHttp({ protocol }: URL): boolean {
  return protocol === "http:" || protocol === "https:";
}

/** Fit for messages: without credentials and query, which may hold secrets. */
export function showUrl({ origin, pathname }: URL): string {
  return `${origin}${pathname}`;
}

/** Where to go on; undefined if the answer is one. */
function redirectTarget({ status, headers }: HttpResponse, url: URL): URL | undefined {
  if (!REDIRECTS.has(status) || headers.location === undefined) return undefined;
  return URL.parse(headers.location, url.href) ?? undefined;
}

function bodyOf({ body }: HttpResponse): Body {
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
function validatorOf({ headers }: HttpResponse): string | undefined {
  const { etag } = headers;
  if (etag !== undefined && !etag.startsWith("W/")) return etag;
  return headers["last-modified"];
}

function lengthOf({ headers }: HttpResponse): number | undefined {
  const length = headers["content-length"];
  return length === undefined || !/^\d+$/.test(length) ? undefined : Number(length);
}

/** Where several addresses were tried, each has its own reason, and the whole has none. */
function rootMessage(error: Error): string {
  if (error instanceof AggregateError && error.message === "") return error.errors.map(messageOf).join("; ");
  return error.message;
}
