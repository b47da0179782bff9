/**
 * Servers that every machine reaches at `http://169.254.169.254/<name>/`, under every policy: the operator has opened
 * them. One object for all machines of the worker, so that what one has fetched is there for the next.
 *
 * *Owns* the proxies.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import fresh from "fresh";
import { messageOf } from "../../base/errors.ts";
import { type Logger, silentLogger } from "../../base/log.ts";
import { Scope } from "../../base/scope.ts";
import type { ProxySettings } from "../../config/network/proxies.ts";
import type { EgressSink } from "../egress/egress-entry.ts";
import { Meter } from "./meter.ts";
import { ProxyEntry } from "./proxy-entry.ts";
import { ProxyError } from "./proxy-error.ts";
import type { ProxyStats } from "./proxy-stats.ts";
import { refuse } from "./refuse.ts";
import { type ProxyAnswer, ReverseProxy } from "./reverse-proxy.ts";
import { splitProxyPath } from "./upstream-path.ts";

export interface ReverseProxiesOptions {
  /** Where answers are kept; made if it is not there. */
  cacheDirectory: string;
  log?: Logger;
}

/** Of one machine at one time; what is above it is told to come back. */
const MAX_RUNNING = 64;
const MAX_REQUEST_BYTES = 4 * 1_024 ** 3;
/** A guest that takes nothing for so long has no use for the answer. */
const IDLE_MS = 180_000;

export class ReverseProxies implements AsyncDisposable {
  readonly #proxies: ReadonlyMap<string, ReverseProxy>;
  readonly #log: Logger;
  readonly #scope: Scope;

  private constructor(proxies: ReadonlyMap<string, ReverseProxy>, log: Logger, scope: Scope) {
    this.#proxies = proxies;
    this.#log = log;
    this.#scope = scope;
  }

  /**
   * @param settings By the names that the proxies have.
   * @throws {WorkerError} `proxy-invalid`; why a header that is a secret cannot be read.
   */
  static async open(
    settings: Readonly<Record<string, ProxySettings>>,
    { cacheDirectory, log = silentLogger }: ReverseProxiesOptions,
  ): Promise<ReverseProxies> {
    await using scope = new Scope();
    const proxies = new Map<string, ReverseProxy>();
    for (const [name, one] of Object.entries(settings)) {
      proxies.set(name, scope.use(await ReverseProxy.open(name, one, cacheDirectory)));
    }
    return new ReverseProxies(proxies, log, scope.move());
  }

  /** By name. */
  stats(): Readonly<Record<string, ProxyStats>> {
    return Object.fromEntries([...this.#proxies].map(([name, proxy]) => [name, proxy.stats]));
  }

  /**
   * For the service of one machine: answers what is for a proxy, and leaves the rest to `handler`.
   *
   * @param log Of the machine; gets an entry for every request to a proxy.
   */
  withProxies(handler: RequestListener, log?: EgressSink): RequestListener {
    if (this.#proxies.size === 0) return handler;
    let running = 0;
    return (request, response) => {
      const path = splitProxyPath(request.url ?? "");
      const proxy = path && this.#proxies.get(path.name);
      if (path === undefined || proxy === undefined) {
        handler(request, response);
        return;
      }
      const entry = new ProxyEntry(proxy.name, log);
      proxy.counters.requests += 1;
      if (running >= MAX_RUNNING) {
        proxy.counters.failures += 1;
        response.setHeader("retry-after", "1");
        const busy = new ProxyError("proxy-busy", `this machine has ${MAX_RUNNING} requests running already`);
        refuse(response, busy);
        entry.fail(busy);
        return;
      }
      running += 1;
      void this.#serve(proxy, entry, path.rest, request, response).finally(() => {
        running -= 1;
      });
    };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#scope[Symbol.asyncDispose]();
  }

  /** Never rejects. */
  async #serve(
    proxy: ReverseProxy,
    entry: ProxyEntry,
    rest: string,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const gone = new AbortController();
    response.once("close", () => gone.abort(new Error("the guest has gone")));
    response.on("error", () => {});
    response.setTimeout(IDLE_MS, () => response.destroy());
    try {
      const answer = await proxy.answer({ ...described(request), rest, signal: gone.signal });
      if (answer.use !== undefined) proxy.counters.countUse(answer.use);
      const count = (bytes: number) => {
        proxy.counters.bytesToGuests += bytes;
        entry.bytesIn += bytes;
      };
      await give(answer, request, response, count);
      entry.end(answer.use);
    } catch (error) {
      entry.fail(error);
      if (gone.signal.aborted) return;
      proxy.counters.failures += 1;
      this.#log.log("warn", `proxy ${proxy.name}: ${messageOf(error)}`, {
        proxy: proxy.name,
        ...(error instanceof Error && error.cause !== undefined ? { cause: messageOf(error.cause) } : {}),
      });
      refuse(response, error);
    }
  }
}

function described(request: IncomingMessage) {
  const { method = "GET", headers } = request;
  if (method === "GET" || method === "HEAD") return { method, headers: withoutBody(headers) };
  const tooLarge = () => new ProxyError("proxy-too-large", "the body of the request is too large");
  const body = new Meter(() => {}, MAX_REQUEST_BYTES, tooLarge);
  pipeline(request, body).catch(() => {});
  return { method, headers, body };
}

/** Servers do not expect one here, and disagree about what to do with it. */
function withoutBody(headers: IncomingMessage["headers"]): IncomingMessage["headers"] {
  const { "content-length": _length, "content-type": _type, "content-encoding": _encoding, ...rest } = headers;
  return rest;
}

async function give(
  answer: ProxyAnswer,
  request: IncomingMessage,
  response: ServerResponse,
  count: (bytes: number) => void,
): Promise<void> {
  const { status, headers, body, use } = answer;
  const marked = { ...headers, ...(use === undefined ? {} : { "cache-status": `boxcar; ${CACHE_STATUS[use]}` }) };
  try {
    const isSame = use !== undefined && status === 200 && isKnown(request, headers);
    response.writeHead(isSame ? 304 : status, isSame ? withoutContent(marked) : marked);
    if (isSame || request.method === "HEAD") {
      response.end();
      // Whoever asks next has no copy yet.
      if (use === "hit" || use === undefined) body.destroy();
      else body.resume();
      return;
    }
    await pipeline(body, new Meter(count, Number.POSITIVE_INFINITY, () => new Error()), response);
  } catch (error) {
    body.destroy();
    throw error;
  }
}

/** Whether the guest has this very answer. How old it may be has been seen to already. */
function isKnown({ headers }: IncomingMessage, answer: ProxyAnswer["headers"]): boolean {
  const { "if-none-match": tags, "if-modified-since": since } = headers;
  return fresh({ "if-none-match": tags, "if-modified-since": since }, answer);
}

/** RFC 9211. */
const CACHE_STATUS: Readonly<Record<NonNullable<ProxyAnswer["use"]>, string>> = {
  hit: "hit",
  revalidated: "hit; fwd=stale; fwd-status=304",
  stale: "hit; detail=stale",
  miss: "fwd=uri-miss",
  shared: "fwd=uri-miss; collapsed",
};

function withoutContent<T extends object>(headers: T): T {
  const entries = Object.entries(headers).filter(([name]) => !/^content-(?!location|security)/.test(name));
  return Object.fromEntries(entries) as T;
}
