/** One request to a worker: on its socket on this host, or at an address of the network. */
import { once } from "node:events";
import type { ClientRequest, IncomingMessage } from "node:http";
import { json } from "node:stream/consumers";
import { addressOf, headersFor, type ServerAddress } from "./address.ts";
import { refusal, unreachable } from "./refusal.ts";

const { request: requestHttp } = process.getBuiltinModule("node:http");
const { request: requestHttps } = process.getBuiltinModule("node:https");

/** A host that is not there may say so only after minutes. */
export const CONNECT_TIMEOUT_MS = 10_000;

export interface ServerRequest {
  server: ServerAddress;
  /** Below the root, with the query. */
  path: string;
  /** Makes it a POST. */
  body?: object;
  signal: AbortSignal;
}

/**
 * Undefined: there is nothing to say.
 *
 * @throws {WorkerError} `no-worker`: none listens; `worker-unreachable`; `no-worker-there`; or what the worker answered.
 */
export async function requestJson(options: ServerRequest): Promise<unknown> {
  const response = await send(options);
  const answer = await read(response, options.signal);
  if (isGood(response) && (answer !== undefined || response.statusCode === 204)) return answer;
  throw refusal(answer, response, options.server);
}

/** The body of the answer, which is of this type. @throws as {@link requestJson} does. */
export async function openResponse(options: ServerRequest, contentType?: string): Promise<IncomingMessage> {
  const response = await send(options);
  const { "content-type": type } = response.headers;
  if (isGood(response) && (contentType === undefined || type === contentType)) return response;
  throw refusal(await read(response, options.signal), response, options.server);
}

/** Who leads elsewhere is none that was asked for. */
function isGood({ statusCode = 500 }: IncomingMessage): boolean {
  return statusCode >= 200 && statusCode < 300;
}

async function read(response: IncomingMessage, signal: AbortSignal): Promise<unknown> {
  const answer = await json(response).catch(() => undefined);
  signal.throwIfAborted();
  return answer;
}

async function send({ server, path, body, signal }: ServerRequest): Promise<IncomingMessage> {
  const headers = {
    ...headersFor(server),
    ...(body === undefined ? {} : { "content-type": "application/json" }),
  };
  const options = { headers, signal, method: body === undefined ? "GET" : "POST" };
  const sent =
    "socketPath" in server ? requestHttp({ ...options, ...server, path }) : sendTo(server.url, path, options);
  sent.end(body === undefined ? undefined : JSON.stringify(body));
  return await responseTo(sent, server, signal);
}

function sendTo(
  base: URL,
  path: string,
  options: { headers: Record<string, string>; signal: AbortSignal; method: string },
) {
  const url = addressOf(base, path);
  return url.protocol === "https:" ? requestHttps(url, options) : requestHttp(url, options);
}

async function responseTo(sent: ClientRequest, server: ServerAddress, signal: AbortSignal): Promise<IncomingMessage> {
  limitConnecting(sent);
  try {
    const [response] = (await once(sent, "response")) as [IncomingMessage];
    return response;
  } catch (error) {
    signal.throwIfAborted();
    throw unreachable(server, error);
  }
}

function limitConnecting(sent: ClientRequest): void {
  sent.once("socket", (socket) => {
    if (!socket.connecting) return;
    const giveUp = () => sent.destroy(new Error(`no answer within ${CONNECT_TIMEOUT_MS / 1_000} seconds`));
    const timer = setTimeout(giveUp, CONNECT_TIMEOUT_MS);
    socket.once("connect", () => clearTimeout(timer));
    sent.once("close", () => clearTimeout(timer));
  });
}
