/** One request to a worker: on its socket on this host, or at an address of the network. */
import { once } from "node:events";
import type { ClientRequest, IncomingMessage } from "node:http";
import { json } from "node:stream/consumers";
import { codeOf, messageOf, WorkerError } from "../../base/errors.ts";

const { request: requestHttp } = process.getBuiltinModule("node:http");
const { request: requestHttps } = process.getBuiltinModule("node:https");

/** Where a worker listens. */
export type ServerAddress = { readonly socketPath: string } | { readonly url: URL; readonly token: string | undefined };

export interface ServerRequest {
  server: ServerAddress;
  /** Below the root, with the query. */
  path: string;
  /** Makes it a POST. */
  body?: object;
  signal: AbortSignal;
}

/** @throws {WorkerError} `no-worker`: none listens; `worker-unreachable`; or what the worker answered. */
export async function requestJson(options: ServerRequest): Promise<unknown> {
  const response = await send(options);
  const answer = await json(response).catch(() => undefined);
  if ((response.statusCode ?? 500) < 400) return answer;
  throw refusal(answer, response, options.server);
}

/** The body of the answer. @throws as {@link requestJson} does. */
export async function openResponse(options: ServerRequest): Promise<IncomingMessage> {
  const response = await send(options);
  if ((response.statusCode ?? 500) < 400) return response;
  const answer = await json(response).catch(() => undefined);
  throw refusal(answer, response, options.server);
}

/** Headers that say who asks; the name in `Host` is that of the server. */
export function headersFor(server: ServerAddress): Record<string, string> {
  if ("socketPath" in server) return { host: "localhost" };
  return server.token === undefined ? {} : { authorization: `Bearer ${server.token}` };
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

/** Also where the server lies below a path of another. */
export function addressOf(base: URL, path: string): URL {
  return new URL(`${base.pathname.replace(/\/+$/, "")}${path}`, base);
}

async function responseTo(sent: ClientRequest, server: ServerAddress, signal: AbortSignal): Promise<IncomingMessage> {
  try {
    const [response] = (await once(sent, "response")) as [IncomingMessage];
    return response;
  } catch (error) {
    signal.throwIfAborted();
    throw unreachable(server, error);
  }
}

/** What to say where nobody can be spoken to. */
export function unreachable(server: ServerAddress, cause: unknown): WorkerError {
  if ("url" in server) {
    const message = `${server.url.origin} cannot be reached: ${messageOf(cause)}`;
    return new WorkerError(message, { code: "worker-unreachable", blame: "upstream", cause });
  }
  const isMissing = codeOf(cause) === "ENOENT" || codeOf(cause) === "ECONNREFUSED";
  const message = isMissing
    ? 'no worker runs here with this configuration; "boxcar worker" starts one, --server asks one elsewhere'
    : `the worker cannot be asked: ${messageOf(cause)}`;
  return new WorkerError(message, { code: isMissing ? "no-worker" : "worker-unreachable", blame: "host", cause });
}

/** What a worker has answered instead. */
export function refusal(answer: unknown, { statusCode }: IncomingMessage, server: ServerAddress): WorkerError {
  const { code, message } = (typeof answer === "object" && answer !== null ? answer : {}) as Record<string, unknown>;
  const hint = statusCode === 401 && "url" in server ? "; set BOXCAR_TOKEN, or give --token-file" : "";
  const said = typeof message === "string" ? message : `it answers with status ${statusCode}, and is no worker`;
  return new WorkerError(statusCode === 401 ? `the server wants to know who asks${hint}: ${said}` : said, {
    code: typeof code === "string" ? code : "refused",
    blame: statusCode !== undefined && statusCode >= 500 ? "upstream" : "task",
  });
}
