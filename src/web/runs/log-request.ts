/** What is asked of a log, over HTTP or a websocket. */
import { codeOf, messageOf } from "../../base/errors.ts";
import { type LogSource, resolvePosition } from "../../log/log-source.ts";
import { ApiError } from "../api/api-error.ts";
import { flag, integer, type ParsedQuery } from "../api/parameters.ts";

export interface LogKey {
  /** As the client gave it. */
  readonly task: string;
  readonly run: number | "latest";
  /** File name of the log. */
  readonly name: string;
}

/** Undefined where there is no such log. */
export type LogLookup = (key: LogKey) => LogSource | undefined | Promise<LogSource | undefined>;

export interface LogRequest {
  readonly source: LogSource;
  /** Of the first byte; not negative. */
  readonly position: number;
  readonly follow: boolean;
}

/** Of a log, over HTTP and as a websocket. */
export const LOG_PATH = "/api/v1/tasks/{task}/runs/{run}/logs/{name}";

export const LOG_QUERY = {
  from: integer("The byte to begin with; negative: so many from the end.", { minimum: -(10 ** 15), maximum: 10 ** 15 }),
  follow: flag("Goes on until the log has ended."),
};

/** Path and query of a request, whatever it is. */
export function splitUrl(url: string): { path: string; query: URLSearchParams } {
  const mark = url.indexOf("?");
  if (mark === -1) return { path: url, query: new URLSearchParams() };
  return { path: url.slice(0, mark), query: new URLSearchParams(url.slice(mark)) };
}

/** @throws {ApiError} `bad-request`, `log-not-found`, `log-position-unknown` */
export async function findLog(
  lookup: LogLookup,
  parts: { task: string; run: string; name: string },
  { from = 0, follow }: ParsedQuery<typeof LOG_QUERY>,
): Promise<LogRequest> {
  const key = { ...parts, run: runOf(parts.run) };
  const source = await lookup(key);
  if (source === undefined) {
    throw new ApiError(404, "log-not-found", `there is no log ${key.name} of run ${key.run} of task ${key.task}`);
  }
  try {
    return { source, position: resolvePosition(from, source.sizeBytes), follow };
  } catch (error) {
    throw new ApiError(416, codeOf(error) ?? "bad-request", messageOf(error), { sizeBytes: source.sizeBytes });
  }
}

/** @throws {ApiError} `bad-request` */
export function runOf(text: string): number | "latest" {
  if (text === "latest") return text;
  if (/^\d{1,6}$/.test(text)) return Number(text);
  throw new ApiError(400, "bad-request", 'a run is a number from 0, or "latest"');
}
