/** Speaks to the supervisor of a machine, on its socket. */
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { join } from "node:path";
import type { Duplex, Readable } from "node:stream";
import { json } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { createWebSocketStream, type WebSocket } from "ws";
import { codeOf, messageOf, WorkerError } from "../base/errors.ts";
import type { VmRecord } from "../generated/vm-record.ts";
import { openWebSocket } from "../http/open-websocket.ts";
import { VmError } from "./errors.ts";
import { called } from "./refs.ts";

const { request: requestHttp } = process.getBuiltinModule("node:http");

/** What a supervisor says of its machine. */
export interface VmFacts {
  readonly record: VmRecord;
  /** Version of the agent in the guest; null: it has not called home, or is another one. */
  readonly agent: string | null;
  readonly shells: number;
}

export type Query = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

interface ControlRequest {
  method?: "GET" | "POST" | "PUT";
  path: string;
  query?: Query;
  /** Of a PUT. */
  body?: Readable;
  signal: AbortSignal;
}

/** The longest message there is: a part of a screen. */
const MAX_MESSAGE_BYTES = 64 * 1_024 ** 2;

/** The socket of the supervisor of a machine. */
export function controlSocket({ runDirectory }: Pick<VmRecord, "runDirectory">): string {
  return join(runDirectory, "control");
}

export class ControlClient {
  readonly #record: VmRecord;

  constructor(record: VmRecord) {
    this.#record = record;
  }

  /** @throws {VmError} `vm-lost`: nobody answers there; {@link WorkerError}: what the supervisor answers. */
  async ask<T>(request: ControlRequest): Promise<T> {
    const response = await this.open(request);
    if (response.statusCode === 204) {
      response.resume();
      return undefined as T;
    }
    return (await json(response)) as T;
  }

  /** The answer, which is good. @throws as {@link ask} does. */
  async open({ method = "GET", path, query = {}, body, signal }: ControlRequest): Promise<IncomingMessage> {
    const sent = requestHttp({
      ...{ socketPath: controlSocket(this.#record), path: withQuery(path, query), method, signal },
      headers: {
        host: "localhost",
        ...(method === "PUT" ? { "content-type": "application/octet-stream" } : {}),
        ...(method === "POST" ? { "content-type": "application/json" } : {}),
      },
    });
    const answered = once(sent, "response") as Promise<[IncomingMessage]>;
    answered.catch(() => {});
    try {
      // Whoever refuses a body may not read it to its end.
      if (body === undefined) sent.end();
      else await Promise.race([pipeline(body, sent), answered]);
      const [response] = await answered;
      if (isGood(response)) return response;
      throw await refusal(response);
    } catch (error) {
      signal.throwIfAborted();
      throw error instanceof WorkerError ? error : this.#lost(error);
    }
  }

  /** Paused until who uses it listens. @throws as {@link ask} does. */
  async openSocket(path: string, query: Query, signal: AbortSignal): Promise<WebSocket> {
    const address = `ws+unix://${controlSocket(this.#record)}:${withQuery(path, query)}`;
    const headers = { host: "localhost" };
    try {
      return await openWebSocket(address, { headers, maxMessageBytes: MAX_MESSAGE_BYTES, refusalOf: refusal, signal });
    } catch (error) {
      signal.throwIfAborted();
      throw error instanceof WorkerError ? error : this.#lost(error);
    }
  }

  /** The same as a stream of bytes. */
  async openStream(path: string, query: Query, signal: AbortSignal): Promise<Duplex> {
    const client = await this.openSocket(path, query, signal);
    const stream = createWebSocketStream(client);
    client.resume();
    return stream;
  }

  #lost(cause: unknown): VmError {
    const isGone = ["ENOENT", "ECONNREFUSED", "ECONNRESET"].includes(codeOf(cause) ?? "");
    const why = isGone ? "it has ended" : messageOf(cause);
    return new VmError("vm-lost", `the machine ${called(this.#record)} does not answer: ${why}`, {
      blame: "host",
      cause,
    });
  }
}

/** Statuses of a request whose address is, in which a command is. */
const TOO_LONG: ReadonlySet<number> = new Set([414, 431]);

function isGood({ statusCode = 500 }: IncomingMessage): boolean {
  return statusCode >= 200 && statusCode < 300;
}

async function refusal(response: IncomingMessage): Promise<WorkerError> {
  const { statusCode = 500 } = response;
  if (TOO_LONG.has(statusCode)) {
    response.resume();
    return new VmError("vm-invalid", "the command is too long; put it into a file, and copy that into the machine");
  }
  const answer = await json(response).catch(() => undefined);
  const { code, message } = (typeof answer === "object" && answer !== null ? answer : {}) as Record<string, unknown>;
  const known = typeof code === "string" && typeof message === "string";
  return new WorkerError(known ? message : `the supervisor of the machine answers with status ${statusCode}`, {
    code: known ? code : "vm-lost",
    blame: statusCode >= 500 ? "host" : "task",
  });
}

function withQuery(path: string, query: Query): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined || value === false) continue;
    for (const each of Array.isArray(value) ? value : [value])
      parameters.append(name, each === true ? "1" : String(each));
  }
  const text = parameters.toString();
  return text === "" ? path : `${path}?${text}`;
}
