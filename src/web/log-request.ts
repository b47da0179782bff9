/** What is asked of a log, over HTTP or a websocket. */
import { codeOf, messageOf } from "../base/errors.ts";
import { type LogSource, resolvePosition } from "../log/log-source.ts";
import { ApiError } from "./api-error.ts";

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

/** Of express, below where the router is. */
export const LOG_ROUTE = "/:task/runs/:run/logs/:name";

/** Path and query of a request, whatever it is. */
export function splitUrl(url: string): { path: string; query: URLSearchParams } {
  const mark = url.indexOf("?");
  if (mark === -1) return { path: url, query: new URLSearchParams() };
  return { path: url.slice(0, mark), query: new URLSearchParams(url.slice(mark)) };
}

const LOG_PATH = /\/([^/]+)\/runs\/([^/]+)\/logs\/([^/]+)$/;

/** The three parts of a path that ends as {@link LOG_ROUTE} has it; undefined where it does not. */
export function partsOfPath(path: string): { task: string; run: string; name: string } | undefined {
  try {
    const [, task, run, name] = (LOG_PATH.exec(path) ?? []).map(decodeURIComponent);
    return task === undefined || run === undefined || name === undefined ? undefined : { task, run, name };
  } catch {
    return undefined;
  }
}

/** @throws {ApiError} `bad-request`, `log-not-found`, `log-position-unknown` */
export async function findLog(
  lookup: LogLookup,
  parts: { task: string; run: string; name: string },
  query: URLSearchParams,
): Promise<LogRequest> {
  const key = { ...parts, run: runOf(parts.run) };
  const from = fromOf(query.get("from"));
  const follow = followOf(query.get("follow"));
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

function fromOf(text: string | null): number {
  if (text === null) return 0;
  if (/^-?\d{1,15}$/.test(text)) return Number(text);
  throw new ApiError(400, "bad-request", "from must be a number of bytes; a negative one counts from the end");
}

function followOf(text: string | null): boolean {
  if (text === null || text === "0") return false;
  if (text === "1") return true;
  throw new ApiError(400, "bad-request", "follow must be 0 or 1");
}
