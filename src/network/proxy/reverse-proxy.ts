/**
 * One server that machines reach through the worker: passes requests on, and keeps answers if the operator likes.
 *
 * A guest's path stays below the operator's URL, redirects of the server included. *Owns* its connections, its folder
 * of answers and what is being fetched.
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { Scope } from "../../base/scope.ts";
import type { ProxySettings } from "../../config/network/proxies.ts";
import { AnswerCache, type CacheUse } from "./cache/answer-cache.ts";
import { AnswerFolder } from "./cache/answer-folder.ts";
import type { UpstreamAnswer, UpstreamRequest } from "./exchange.ts";
import type { Headers } from "./hop-by-hop.ts";
import { isListedHost, judgeRedirect } from "./location.ts";
import { parseProxyBase } from "./proxy-base.ts";
import { ProxyError } from "./proxy-error.ts";
import { ProxyCounters, type ProxyStats } from "./proxy-stats.ts";
import { isShareable, passedHeaders, sharedHeaders } from "./request-headers.ts";
import { Upstream } from "./upstream.ts";
import { upstreamPath } from "./upstream-path.ts";

export interface GuestRequest {
  readonly method: string;
  /** After the proxy's name and its slash, with the query. */
  readonly rest: string;
  readonly headers: Headers;
  readonly body?: Readable;
  readonly signal: AbortSignal;
}

export interface ProxyAnswer extends UpstreamAnswer {
  /** Undefined: the cache had no part in it. */
  readonly use: CacheUse | undefined;
}

const MAX_REDIRECTS = 5;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
/** They would speak of the worker's address as if it were the server. */
const NOT_FOR_GUESTS = ["alt-svc", "strict-transport-security"];

export class ReverseProxy implements AsyncDisposable {
  readonly name: string;
  readonly base: URL;
  readonly counters: ProxyCounters;
  readonly #settings: ProxySettings;
  readonly #own: Readonly<Record<string, string>>;
  readonly #upstream: Upstream;
  readonly #folder: AnswerFolder | undefined;
  readonly #cache: AnswerCache | undefined;
  readonly #scope: Scope;

  private constructor(
    name: string,
    settings: ProxySettings,
    parts: {
      base: URL;
      own: Readonly<Record<string, string>>;
      counters: ProxyCounters;
      upstream: Upstream;
      folder: AnswerFolder | undefined;
    },
    scope: Scope,
  ) {
    this.name = name;
    this.base = parts.base;
    this.counters = parts.counters;
    this.#settings = settings;
    this.#own = parts.own;
    this.#upstream = parts.upstream;
    this.#folder = parts.folder;
    // Answers to other headers of the operator are other answers.
    const salt = createHash("sha256").update(JSON.stringify(parts.own)).digest("hex");
    this.#cache = parts.folder && scope.use(new AnswerCache(parts.folder, (request) => this.#ask(request), salt));
    this.#scope = scope;
  }

  /**
   * @param cacheDirectory Of all proxies; this one uses a folder in it.
   * @throws {WorkerError} `proxy-invalid`; what {@link Secret.reveal} throws.
   */
  static async open(name: string, settings: ProxySettings, cacheDirectory: string): Promise<ReverseProxy> {
    const base = parseProxyBase(name, settings.url);
    const revealed = Object.entries(settings.headers).map(([header, value]) => [header.toLowerCase(), value.reveal()]);
    await using scope = new Scope();
    const counters = new ProxyCounters();
    const countBytes = (bytes: number) => {
      counters.bytesFromUpstream += bytes;
    };
    const upstream = scope.use(await Upstream.open(name, countBytes));
    const folder =
      settings.cacheBytes === 0
        ? undefined
        : scope.use(await AnswerFolder.open(join(cacheDirectory, name), settings.cacheBytes));
    const parts = { base, own: Object.fromEntries(revealed), counters, upstream, folder };
    return new ReverseProxy(name, settings, parts, scope.move());
  }

  get stats(): ProxyStats {
    return this.counters.snapshot(this.#folder?.keptBytes ?? 0);
  }

  /** @throws {ProxyError} */
  async answer({ method, rest, headers, body, signal }: GuestRequest): Promise<ProxyAnswer> {
    if (!this.#settings.methods.includes(method)) {
      throw new ProxyError("proxy-refused", `/${this.name}/ is only for ${this.#settings.methods.join(", ")}`);
    }
    const path = upstreamPath(this.base.pathname, rest);
    if (path === undefined) throw new ProxyError("proxy-bad-request", `this is no path that /${this.name}/ passes on`);
    const url = new URL(this.base.origin + path);
    const passed = passedHeaders(headers, this.#own);
    if (this.#cache !== undefined && isShareable(method, passed)) {
      const shared = { url, headers: sharedHeaders(headers), wishes: wishesOf(passed), signal };
      const answer = await this.#cache.answer(shared);
      return { ...(await this.#settle(answer, { method, url, headers: shared.headers, signal })), use: answer.use };
    }
    const request = { method, url, headers: passed, signal, ...(body === undefined ? {} : { body }) };
    return { ...(await this.#settle(await this.#ask(request), request)), use: undefined };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#scope[Symbol.asyncDispose]();
  }

  async #ask(request: UpstreamRequest): Promise<UpstreamAnswer> {
    return await this.#upstream.ask({ ...request, headers: { ...request.headers, ...this.#own } });
  }

  /** Follows redirects as far as the operator allows. */
  async #settle(first: UpstreamAnswer, request: UpstreamRequest): Promise<UpstreamAnswer> {
    let answer = first;
    let asked = request.url;
    for (let count = 0; ; count++) {
      const location = REDIRECTS.has(answer.status) ? answer.headers["location"] : undefined;
      if (location === undefined) return withHeaders(answer, {});
      const redirect = judgeRedirect(String(location), asked, this.base, this.name);
      if (redirect.kind === "own") return withHeaders(answer, { location: redirect.location });
      answer.body.destroy();
      if (redirect.kind === "refused") throw this.#redirectError(redirect.reason);
      if (count === MAX_REDIRECTS) throw this.#redirectError(`there were more than ${MAX_REDIRECTS} in a row`);
      asked = redirect.url;
      answer = await this.#follow(asked, request);
    }
  }

  async #follow(url: URL, { method, headers, signal }: UpstreamRequest): Promise<UpstreamAnswer> {
    if (!isListedHost(url.hostname, this.#settings.redirects)) {
      throw this.#redirectError(`${url.hostname} is not among the hosts that it may lead to`);
    }
    if (method !== "GET" && method !== "HEAD") throw this.#redirectError(`it answers ${method}`);
    const { range } = headers;
    // Who the guest is to the server that it asked is no other server's business.
    const anonymous = { ...sharedHeaders(headers), ...(range === undefined ? {} : { range }) };
    return await this.#upstream.askPublic({ method, url, headers: anonymous, signal });
  }

  #redirectError(reason: string): ProxyError {
    return new ProxyError(
      "upstream-redirect",
      `a redirect of the server behind /${this.name}/ is not followed: ${reason}`,
    );
  }
}

function withHeaders(answer: UpstreamAnswer, more: Readonly<Record<string, string>>): UpstreamAnswer {
  const headers = { ...answer.headers, ...more };
  for (const name of NOT_FOR_GUESTS) delete headers[name];
  return { ...answer, headers };
}

function wishesOf(passed: Headers): { "cache-control"?: string; pragma?: string } {
  const { "cache-control": control, pragma } = passed;
  return {
    ...(control === undefined ? {} : { "cache-control": String(control) }),
    ...(pragma === undefined ? {} : { pragma: String(pragma) }),
  };
}
