/** One request to the worker of this host, on its socket. */
import { once } from "node:events";
import type { ClientRequest, IncomingMessage, RequestOptions } from "node:http";
import { json } from "node:stream/consumers";
import { codeOf, messageOf, WorkerError } from "../../base/errors.ts";

const { request } = process.getBuiltinModule("node:http");

export interface SocketRequest {
  socketPath: string;
  path: string;
  /** Makes it a POST. */
  body?: object;
  signal: AbortSignal;
}

/** @throws {WorkerError} `no-worker`: none listens; or what the worker answered. */
export async function requestJson(options: SocketRequest): Promise<unknown> {
  const response = await send(options);
  const answer = await json(response);
  if ((response.statusCode ?? 500) < 400) return answer;
  throw refusal(answer);
}

/** The body of the answer. @throws as {@link requestJson} does. */
export async function openResponse(options: SocketRequest): Promise<IncomingMessage> {
  const response = await send(options);
  if ((response.statusCode ?? 500) < 400) return response;
  throw refusal(await json(response));
}

async function send({ socketPath, path, body, signal }: SocketRequest): Promise<IncomingMessage> {
  const headers = { host: "localhost", ...(body === undefined ? {} : { "content-type": "application/json" }) };
  const options: RequestOptions = { socketPath, path, headers, signal, method: body === undefined ? "GET" : "POST" };
  const sent = request(options);
  sent.end(body === undefined ? undefined : JSON.stringify(body));
  return await responseTo(sent, signal);
}

async function responseTo(sent: ClientRequest, signal: AbortSignal): Promise<IncomingMessage> {
  try {
    const [response] = (await once(sent, "response")) as [IncomingMessage];
    return response;
  } catch (error) {
    signal.throwIfAborted();
    const isMissing = codeOf(error) === "ENOENT" || codeOf(error) === "ECONNREFUSED";
    const message = isMissing
      ? 'no worker runs here with this configuration; "boxcar worker" starts one'
      : `the worker cannot be asked: ${messageOf(error)}`;
    throw new WorkerError(message, {
      code: isMissing ? "no-worker" : "worker-unreachable",
      blame: "host",
      cause: error,
    });
  }
}

function refusal(answer: unknown): WorkerError {
  const { code, message } = (typeof answer === "object" && answer !== null ? answer : {}) as Record<string, unknown>;
  return new WorkerError(typeof message === "string" ? message : "the worker refused", {
    code: typeof code === "string" ? code : "refused",
    blame: "task",
  });
}
