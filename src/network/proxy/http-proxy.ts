/**
 * The HTTP proxy of one machine, at 169.254.169.254:3128: `CONNECT host:port`, and requests for `http://` URLs.
 *
 *   request ─▶ target ─▶ Outside: judged, looked up, vetted, connected ─▶ 200 and a tunnel, or request and answer
 *                │                      └─▶ 403 (refused) · 502 (nobody there) · 504 (not in time)
 *                └─▶ 400
 *
 * Each request has a connection of its own, and so an entry in the egress log. What the guest sent is parsed and written
 * anew, so that no server sees another request than the one that was judged. *Owns* the connections it serves.
 */
import type { ClientRequest, IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { pipeline } from "node:stream/promises";
import { orTimeout } from "../../base/abort.ts";
import { GuardedServer } from "../../http/guarded-server.ts";
import { type Outside, OutsideError } from "../egress/outside.ts";
import { reset } from "../egress/reset.ts";
import { splice } from "../egress/splice.ts";
import { type ForwardRequest, type ForwardTarget, parseForwardRequest, parseTunnelTarget } from "./forward-target.ts";
import { connectionTokens, isHopByHop } from "./hop-by-hop.ts";
import { ProxyError } from "./proxy-error.ts";
import { refusalBody, refuse } from "./refuse.ts";

export interface HttpProxyOptions {
  outside: Outside;
  /** Above them connections are destroyed at once. */
  maxConnections: number;
  /** Of a tunnel, or of a request, without a byte. */
  idleMs: number;
  /** For the headers of an answer; default 5 minutes. */
  answerMs?: number;
}

export interface HttpProxyStats {
  readonly requests: number;
  readonly refused: number;
  /** Allowed, but nobody answered. */
  readonly failed: number;
}

const ANSWER_MS = 300_000;
const KEEP_ALIVE_MS = 60_000;
/** A server that was asked to close its connection and does not. */
const LINGER_MS = 5_000;
const ESTABLISHED = "HTTP/1.1 200 Connection established\r\n\r\n";
const REASONS: Readonly<Record<number, string>> = {
  400: "Bad Request",
  403: "Forbidden",
  502: "Bad Gateway",
  504: "Gateway Timeout",
};

export class HttpProxy implements AsyncDisposable {
  readonly #options: HttpProxyOptions;
  readonly #server: GuardedServer;
  readonly #closing = new AbortController();
  readonly #counts = { requests: 0, refused: 0, failed: 0 };

  private constructor(options: HttpProxyOptions) {
    this.#options = options;
    this.#server = GuardedServer.open({
      maxConnections: options.maxConnections,
      idleTimeoutMs: options.idleMs,
      keepAliveTimeoutMs: Math.min(KEEP_ALIVE_MS, options.idleMs),
      answersBadRequests: true,
    });
    this.#server.setHandler((request, response) => void this.#forward(request, response));
    this.#server.setConnectHandler((request, socket, head) => void this.#tunnel(request, socket, head));
  }

  static open(options: HttpProxyOptions): HttpProxy {
    return new HttpProxy(options);
  }

  get stats(): HttpProxyStats {
    return { ...this.#counts };
  }

  get connectionCount(): number {
    return this.#server.connectionCount;
  }

  /** Takes ownership of a connection of the machine. */
  serve(connection: Duplex): void {
    this.#server.serve(connection);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new Error("the proxy was closed"));
    await this.#server[Symbol.asyncDispose]();
  }

  /** Never rejects. */
  async #tunnel(request: IncomingMessage, guest: Duplex, head: Buffer): Promise<void> {
    const gone = this.#goneSignal(guest);
    try {
      const far = await this.#reach(parseTunnelTarget(request.url ?? ""), gone.signal);
      gone.release();
      if (head.length > 0) guest.unshift(head);
      guest.write(ESTABLISHED);
      const options = { idleMs: this.#options.idleMs, trySpend: () => true, signal: this.#closing.signal };
      await splice(guest, far, options);
    } catch (error) {
      gone.release();
      if (!guest.destroyed) refuseRaw(guest, error);
    }
  }

  /** Never rejects. */
  async #forward(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on("error", () => {});
    const gone = this.#goneSignal(response);
    try {
      const forward = parseForwardRequest(request.url ?? "");
      const far = await this.#reach(forward, gone.signal);
      // It would have been refused otherwise.
      await this.#exchange(forward as ForwardRequest, request, response, far);
    } catch (error) {
      refuse(response, error);
    } finally {
      gone.release();
    }
  }

  /** @throws {ProxyError} */
  async #reach(target: ForwardTarget | string, signal: AbortSignal): Promise<Duplex> {
    this.#counts.requests += 1;
    if (typeof target === "string") throw this.#count(new ProxyError("proxy-bad-request", target));
    try {
      return await this.#options.outside.open(target.target, signal);
    } catch (error) {
      if (!(error instanceof OutsideError)) throw error;
      throw this.#count(outsideProblem(target.authority, error));
    }
  }

  #count(error: ProxyError): ProxyError {
    if (error.status < 500) this.#counts.refused += 1;
    else this.#counts.failed += 1;
    return error;
  }

  async #exchange(
    { path, host, authority }: ForwardRequest,
    request: IncomingMessage,
    response: ServerResponse,
    far: Duplex,
  ): Promise<void> {
    response.once("close", () => closeSoon(far, response.writableFinished));
    far.on("error", () => {});
    const outgoing = writeRequest(request, path, host, far);
    const answered = Promise.withResolvers<IncomingMessage>();
    outgoing.once("response", answered.resolve);
    outgoing.on("error", answered.reject);
    // An answer may come before the server has read everything; the error of a body that broke off is the answer's too.
    pipeline(request, outgoing).catch(answered.reject);
    const late = () => new ProxyError("upstream-timeout", `${authority} does not answer in time`);
    try {
      const answer = await orTimeout(answered.promise, this.#options.answerMs ?? ANSWER_MS, late);
      response.writeHead(answer.statusCode ?? 502, passed(answer));
      await pipeline(answer, response);
    } catch (error) {
      outgoing.destroy();
      if (error instanceof ProxyError) throw this.#count(error);
      throw this.#count(new ProxyError("upstream-unreachable", `${authority} has broken off`, error));
    }
  }

  /** Fires when the guest has gone before it got an answer. */
  #goneSignal(stream: Duplex | ServerResponse): { signal: AbortSignal; release: () => void } {
    const gone = new AbortController();
    const abort = () => gone.abort(new Error("the guest has gone"));
    stream.once("close", abort);
    this.#closing.signal.addEventListener("abort", abort, { once: true });
    const release = () => {
      stream.off("close", abort);
      this.#closing.signal.removeEventListener("abort", abort);
    };
    return { signal: gone.signal, release };
  }
}

function outsideProblem(authority: string, error: OutsideError): ProxyError {
  if (error.kind === "refused") {
    const rule = error.message === "policy" ? "what this task may reach does not include it" : error.message;
    return new ProxyError("proxy-refused", `${authority} is refused: ${rule}`);
  }
  const code = /in time/.test(error.message) ? "upstream-timeout" : "upstream-unreachable";
  return new ProxyError(code, `${authority} cannot be reached: ${error.message}`);
}

function writeRequest(request: IncomingMessage, path: string, host: string, far: Duplex): ClientRequest {
  const { method = "GET", headers } = request;
  const { request: ask } = process.getBuiltinModule("node:http");
  const outgoing = ask({ method, path, setHost: false, createConnection: () => far });
  for (const [name, values] of Object.entries(passed(request))) outgoing.setHeader(name, values);
  outgoing.setHeader("host", host);
  // The parser lets nothing else than "chunked" through, and never both of these.
  if (headers["transfer-encoding"] !== undefined) outgoing.setHeader("transfer-encoding", "chunked");
  else if (headers["content-length"] === undefined) outgoing.useChunkedEncodingByDefault = false;
  return outgoing;
}

/** What goes on to the other side; what is said several times stays so. */
function passed({ headers, headersDistinct }: IncomingMessage): Record<string, string[]> {
  const tokens = connectionTokens(headers.connection);
  const kept: Record<string, string[]> = {};
  for (const [name, values] of Object.entries(headersDistinct)) {
    if (values !== undefined && name !== "expect" && !isHopByHop(name, tokens)) kept[name] = values;
  }
  return kept;
}

/** A connection after its one request; broken off if its answer was not taken. */
function closeSoon(far: Duplex, isWhole: boolean): void {
  if (!isWhole) {
    reset(far);
    return;
  }
  far.end();
  far.resume();
  const timer = setTimeout(() => far.destroy(), LINGER_MS).unref();
  far.once("close", () => clearTimeout(timer));
}

/** As {@link refuse}, where the HTTP server has given the connection away. */
function refuseRaw(guest: Duplex, error: unknown): void {
  const known = error instanceof ProxyError ? error : undefined;
  const status = known?.status ?? 502;
  const body = refusalBody(
    known?.code ?? "proxy-failed",
    known?.message ?? "the proxy has failed; see the worker's log",
  );
  const head = [
    `HTTP/1.1 ${status} ${REASONS[status] ?? "Error"}`,
    "content-type: application/json",
    `content-length: ${Buffer.byteLength(body)}`,
    "connection: close",
  ];
  guest.once("error", () => {});
  // What it has sent already is read, or its connection would be reset before it has read this.
  guest.resume();
  guest.end(`${head.join("\r\n")}\r\n\r\n${body}`);
  const timer = setTimeout(() => guest.destroy(), LINGER_MS).unref();
  guest.once("close", () => clearTimeout(timer));
}
