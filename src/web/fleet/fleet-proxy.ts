/**
 * Has another worker answer a request: what the client sends goes there, what comes back goes to the client, as it comes.
 * One side waits for the other: no more than a few blocks are in memory.
 *
 *   connect ──▶ request ──▶ its answer begins ──▶ … ──▶ both are done
 *      └── time is over, refused, misdirected ──▶ 502, 504: nothing was answered yet
 *                          either side goes away ──▶ the other is hung up on
 */
import type { ClientRequest, IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { pipeline } from "node:stream/promises";
import { messageOf } from "../../base/errors.ts";
import { ApiError } from "../api/api-error.ts";
import { FLEET_HEADER, headersToClient, headersToWorker } from "./fleet-headers.ts";
import { addressOf } from "./fleet-statement.ts";

// See guarded-server.ts for why they are not imported.
const http = process.getBuiltinModule("node:http");
const https = process.getBuiltinModule("node:https");

export interface PassTarget {
  readonly workerId: string;
  /** Where it is reached; only its origin counts. */
  readonly url: string;
  /** See fleet-statement.ts. */
  readonly statement: string;
}

export interface PassOptions {
  /** Default 5 s. */
  readonly connectTimeoutMs?: number;
  /** From the end of the request to the beginning of the answer; default 60 s. */
  readonly answerTimeoutMs?: number;
  /** The body of the request, where it was read already. */
  readonly body?: Buffer | undefined;
}

const CONNECT_TIMEOUT_MS = 5_000;
const ANSWER_TIMEOUT_MS = 60_000;
/** How soon it is noticed that the other host is gone without a word. */
const KEEP_ALIVE_MS = 30_000;
/** Of a refusal to make a websocket of it. */
const MAX_REFUSAL_BYTES = 64 * 1_024;

/**
 * Resolves when the answer is with the client, or the client is gone.
 *
 * @throws {ApiError} `worker-unreachable`, `worker-timeout`, `worker-misdirected`, `passed-on-twice`: nothing was
 *   answered yet. What goes wrong later the client sees as an answer that breaks off.
 */
export async function passRequest(
  request: IncomingMessage,
  response: ServerResponse,
  target: PassTarget,
  options: PassOptions = {},
): Promise<void> {
  const headers: OutgoingHttpHeaders = headersToWorker(request.headers);
  if (options.body !== undefined) {
    // It was unpacked when it was read.
    delete headers["content-encoding"];
    headers["content-length"] = options.body.length;
  }
  const asked = ask(request, target, headers, options);
  const hangUp = () => asked.outgoing.destroy();
  response.once("close", hangUp);
  try {
    send(request, asked.outgoing, options.body);
    const answer = await asked.answer;
    if ("socket" in answer) {
      answer.socket.destroy();
      throw unreachable(target, "it wants to be a websocket");
    }
    refuseMisdirected(answer.response, target);
    begin(answer.response, response);
    await pipeline(answer.response, response).catch(() => {});
  } catch (error) {
    asked.outgoing.destroy();
    if (!response.destroyed) throw error;
  } finally {
    response.off("close", hangUp);
  }
}

/**
 * Resolves when both sides speak with each other, or the other worker's refusal is with the client; the socket is owned
 * from then on, and ends with that of the other.
 *
 * @throws {ApiError} As {@link passRequest}; the socket is the caller's then.
 */
export async function passUpgrade(
  request: IncomingMessage,
  { socket, head }: { socket: Duplex; head: Buffer },
  target: PassTarget,
  options: PassOptions = {},
): Promise<void> {
  const headers = { ...headersToWorker(request.headers), connection: "Upgrade", upgrade: "websocket" };
  const asked = ask(request, target, headers, options);
  const hangUp = () => asked.outgoing.destroy();
  socket.once("close", hangUp);
  try {
    asked.outgoing.end();
    const answer = await asked.answer;
    if ("socket" in answer) {
      await join(socket, head, answer);
      return;
    }
    refuseMisdirected(answer.response, target);
    await passRefusal(answer.response, socket);
  } catch (error) {
    asked.outgoing.destroy();
    if (!socket.destroyed) throw error;
  } finally {
    socket.off("close", hangUp);
  }
}

type WorkerAnswer =
  | { readonly response: IncomingMessage }
  | { readonly response: IncomingMessage; readonly socket: Duplex; readonly head: Buffer };

interface Asked {
  readonly outgoing: ClientRequest;
  /** @throws {ApiError} */
  readonly answer: Promise<WorkerAnswer>;
}

function ask(request: IncomingMessage, target: PassTarget, headers: OutgoingHttpHeaders, options: PassOptions): Asked {
  if (request.headers[FLEET_HEADER] !== undefined) throw passedOnTwice(target);
  const { protocol, hostname, port, host } = new URL(target.url);
  const { request: open } = protocol === "https:" ? https : http;
  const outgoing = open({
    ...{ protocol, hostname: hostname.replace(/^\[|\]$/g, ""), port, method: request.method, path: addressOf(request) },
    headers: { ...headers, host, [FLEET_HEADER]: target.statement },
    // A connection for each: one that is kept may be closed by the other side just now.
    agent: false,
  });
  const { promise, resolve, reject } = Promise.withResolvers<WorkerAnswer>();
  const timer = keepTime(outgoing, target, options);
  outgoing.once("response", (response) => resolve({ response }));
  outgoing.once("upgrade", (response, socket, head) => resolve({ response, socket, head }));
  // Later ones have been told to whoever reads the answer.
  outgoing.on("error", (error) => reject(error instanceof ApiError ? error : unreachable(target, messageOf(error))));
  outgoing.once("close", () => reject(unreachable(target, "it has hung up")));
  return { outgoing, answer: promise.finally(() => timer[Symbol.dispose]()) };
}

/** Ends a request that takes too long, until it is disposed. */
function keepTime(outgoing: ClientRequest, target: PassTarget, options: PassOptions): Disposable {
  const { connectTimeoutMs = CONNECT_TIMEOUT_MS, answerTimeoutMs = ANSWER_TIMEOUT_MS } = options;
  const { workerId, url } = target;
  const endAfter = (timeoutMs: number, what: string) =>
    setTimeout(() => {
      const message = `the worker ${workerId} at ${url} ${what} in ${timeoutMs} ms; see whether it runs, and can be reached from here`;
      outgoing.destroy(new ApiError(504, "worker-timeout", message));
    }, timeoutMs);
  let timer = endAfter(connectTimeoutMs, "was not reached");
  outgoing.once("socket", (socket) => {
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    socket.setNoDelay(true);
    socket.once(url.startsWith("https:") ? "secureConnect" : "connect", () => clearTimeout(timer));
  });
  let isOver = false;
  outgoing.once("finish", () => {
    clearTimeout(timer);
    if (!isOver) timer = endAfter(answerTimeoutMs, "did not answer");
  });
  return {
    [Symbol.dispose]() {
      isOver = true;
      clearTimeout(timer);
    },
  };
}

function send(request: IncomingMessage, outgoing: ClientRequest, body: Buffer | undefined): void {
  if (body !== undefined || request.method === "GET" || request.method === "HEAD") outgoing.end(body);
  // A worker that has answered need not read the rest; what goes wrong is the answer's affair.
  else pipeline(request, outgoing).catch(() => {});
}

function begin(from: IncomingMessage, to: ServerResponse): void {
  for (const [name, value] of Object.entries(headersToClient(from.headers))) {
    if (value !== undefined) to.setHeader(name, value);
  }
  to.statusCode = from.statusCode ?? 502;
  // Whoever follows a log wants to know at once that he does.
  to.flushHeaders();
}

async function join(
  client: Duplex,
  clientHead: Buffer,
  answer: Extract<WorkerAnswer, { socket: Duplex }>,
): Promise<void> {
  const { response, socket: worker, head } = answer;
  if (client.destroyed) {
    worker.destroy();
    return;
  }
  for (const socket of [client, worker]) {
    if (!(socket instanceof Socket)) continue;
    socket.setTimeout(0);
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
  }
  const headers = { ...headersToClient(response.headers), connection: "Upgrade", upgrade: "websocket" };
  client.write(`HTTP/1.1 101 Switching Protocols\r\n${headerLines(headers)}\r\n`);
  if (head.length > 0) client.write(head);
  if (clientHead.length > 0) worker.write(clientHead);
  for (const [from, to] of [
    [client, worker],
    [worker, client],
  ] as const) {
    // One that breaks breaks the other; one that ends ends it.
    pipeline(from, to).catch(() => {
      from.destroy();
      to.destroy();
    });
  }
}

async function passRefusal(response: IncomingMessage, socket: Duplex): Promise<void> {
  const blocks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const block of response as AsyncIterable<Buffer>) {
    sizeBytes += block.length;
    if (sizeBytes > MAX_REFUSAL_BYTES) break;
    blocks.push(block);
  }
  const body = Buffer.concat(blocks);
  const headers = { ...headersToClient(response.headers), connection: "close", "content-length": body.length };
  socket.once("finish", () => socket.destroy());
  socket.write(`HTTP/1.1 ${response.statusCode} ${response.statusMessage ?? ""}\r\n${headerLines(headers)}\r\n`);
  socket.end(body);
}

/** What was read has no line breaks in its headers. */
function headerLines(headers: OutgoingHttpHeaders): string {
  const lines = Object.entries(headers).flatMap(([name, value]) =>
    [value ?? []].flat().map((one) => `${name}: ${one}`),
  );
  return lines.map((line) => `${line}\r\n`).join("");
}

function refuseMisdirected(response: IncomingMessage, { workerId, url }: PassTarget): void {
  if (response.statusCode !== 421) return;
  response.destroy();
  const message = `not the worker ${workerId} but another one answers at ${url}; set worker.http.fleetUrl of ${workerId} to an address at which other hosts reach it`;
  throw new ApiError(502, "worker-misdirected", message);
}

function unreachable({ workerId, url }: PassTarget, why: string): ApiError {
  const message = `the worker ${workerId} cannot be reached at ${url}: ${why}; see whether it runs, and can be reached from here`;
  return new ApiError(502, "worker-unreachable", message);
}

function passedOnTwice({ workerId }: PassTarget): ApiError {
  const message = `a request that was passed on would be passed on again, to the worker ${workerId}; the workers do not agree on who has what, ask again`;
  return new ApiError(508, "passed-on-twice", message);
}
