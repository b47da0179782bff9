/**
 * Requests to the server behind a proxy, and to those it redirects to. *Owns* the connections; disposal ends them, with
 * the requests on them.
 */
import { pipeline } from "node:stream";
import type { Agent } from "undici";
import { codeOf } from "../../base/errors.ts";
import type { UpstreamAnswer, UpstreamRequest } from "./exchange.ts";
import { endToEnd } from "./hop-by-hop.ts";
import { Meter } from "./meter.ts";
import { ProxyError } from "./proxy-error.ts";
import { lookupVetted, requireVettedHost } from "./public-lookup.ts";

export interface UpstreamLimits {
  readonly connectMs: number;
  /** From the request to the end of the headers of its answer. */
  readonly headersMs: number;
  /** Without a byte of the body that is waited for. */
  readonly silenceMs: number;
  readonly answerBytes: number;
}

export const UPSTREAM_LIMITS: UpstreamLimits = Object.freeze({
  connectMs: 10_000,
  headersMs: 60_000,
  silenceMs: 60_000,
  answerBytes: 64 * 1_024 ** 3,
});

const TIMEOUTS: ReadonlySet<string> = new Set([
  "UND_ERR_CONNECT_TIMEOUT",
  "UND_ERR_HEADERS_TIMEOUT",
  "UND_ERR_BODY_TIMEOUT",
  "ETIMEDOUT",
]);
/** A connection that was kept may have been closed by the server just when it was used again. */
const WORTH_ANOTHER_TRY: ReadonlySet<string> = new Set(["UND_ERR_SOCKET", "ECONNRESET", "EPIPE"]);
const MAX_HEADER_BYTES = 64 * 1_024;

export class Upstream implements AsyncDisposable {
  readonly #name: string;
  readonly #limits: UpstreamLimits;
  readonly #request: typeof import("undici").request;
  readonly #named: Agent;
  readonly #public: Agent;
  readonly #onBytes: (bytes: number) => void;

  private constructor(
    name: string,
    undici: typeof import("undici"),
    limits: UpstreamLimits,
    onBytes: (bytes: number) => void,
  ) {
    const options = {
      headersTimeout: limits.headersMs,
      bodyTimeout: limits.silenceMs,
      maxHeaderSize: MAX_HEADER_BYTES,
      allowH2: false,
    };
    this.#name = name;
    this.#limits = limits;
    this.#request = undici.request;
    this.#named = new undici.Agent({ ...options, connect: { timeout: limits.connectMs } });
    this.#public = new undici.Agent({ ...options, connect: { timeout: limits.connectMs, lookup: lookupVetted } });
    this.#onBytes = onBytes;
  }

  /** @param onBytes Told of bytes of bodies that have come. */
  static async open(name: string, onBytes: (bytes: number) => void, limits = UPSTREAM_LIMITS): Promise<Upstream> {
    // A worker without proxies does without the client.
    return new Upstream(name, await import("undici"), limits, onBytes);
  }

  /** Asks the server that the operator has named, wherever that is. @throws {ProxyError} */
  ask(request: UpstreamRequest): Promise<UpstreamAnswer> {
    return this.#ask(request, this.#named);
  }

  /** Asks a server that somebody else has named. @throws {ProxyError} Also if it is not one of the internet. */
  async askPublic(request: UpstreamRequest): Promise<UpstreamAnswer> {
    requireVettedHost(request.url);
    return await this.#ask(request, this.#public);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#named.destroy(), this.#public.destroy()]);
  }

  async #ask(request: UpstreamRequest, dispatcher: Agent): Promise<UpstreamAnswer> {
    try {
      return await this.#askOnce(request, dispatcher);
    } catch (error) {
      const repeatable = /^(?:GET|HEAD)$/.test(request.method) && request.body === undefined;
      if (!repeatable || !WORTH_ANOTHER_TRY.has(codeOf(error) ?? "")) throw this.#errorOf(error, request.signal);
    }
    return await this.#askOnce(request, dispatcher).catch((error: unknown) => {
      throw this.#errorOf(error, request.signal);
    });
  }

  async #askOnce({ method, url, headers, body, signal }: UpstreamRequest, dispatcher: Agent): Promise<UpstreamAnswer> {
    const path = url.pathname + url.search;
    const answer = await this.#request(url.origin, {
      ...{ dispatcher, path, method, headers, signal },
      ...(body === undefined ? {} : { body }),
    });
    const tooLarge = () => new ProxyError("upstream-too-large", `the answer behind /${this.#name}/ is too large`);
    const counted = new Meter(this.#onBytes, this.#limits.answerBytes, tooLarge);
    // Whoever reads the one gets the error of the other.
    pipeline(answer.body, counted, () => {});
    return { status: answer.statusCode, headers: endToEnd(answer.headers), body: counted };
  }

  #errorOf(error: unknown, signal: AbortSignal): unknown {
    if (error instanceof ProxyError || signal.aborted) return error;
    const server = `the server behind /${this.#name}/`;
    const code = codeOf(error) ?? "";
    if (/^UND_ERR_(?:INVALID_ARG|REQ_CONTENT_LENGTH_MISMATCH|NOT_SUPPORTED)$/.test(code)) {
      return new ProxyError("proxy-bad-request", "the request cannot be passed on; check its headers", error);
    }
    return TIMEOUTS.has(code)
      ? new ProxyError("upstream-timeout", `${server} does not answer in time; try again later`, error)
      : new ProxyError("upstream-unreachable", `${server} cannot be reached; try again later`, error);
  }
}
