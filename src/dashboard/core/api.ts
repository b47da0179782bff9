/** Asks the server. Paths are below /api/v1. */
import { noteServerTime } from "./clock.ts";

export const API = "/api/v1";

/** The server, or the way to it, said no. */
export class ApiFailure extends Error {
  /** 0: there was no answer. */
  readonly status: number;
  readonly code: string;
  readonly details: unknown;

  constructor(status: number, code: string, message: string, details?: unknown) {
    super(message);
    this.name = "ApiFailure";
    this.status = status;
    this.code = code;
    this.details = details;
  }
}

interface Hooks {
  /** Nobody is logged in (any more). */
  onUnauthorized: () => void;
  /** Value of the header that shows a request comes from a page of ours. */
  csrf: () => string | undefined;
}

let hooks: Hooks = { onUnauthorized: () => {}, csrf: () => undefined };

export function setHooks(next: Hooks): void {
  hooks = next;
}

/** @throws {ApiFailure} */
export async function getJson<T>(path: string, signal?: AbortSignal): Promise<T> {
  return (await (await request("GET", path, undefined, signal)).json()) as T;
}

/**
 * @returns undefined where the answer has no content.
 * @throws {ApiFailure}
 */
export async function send<T>(method: "POST" | "DELETE" | "PUT", path: string, body: unknown = {}): Promise<T> {
  const response = await request(method, path, JSON.stringify(body));
  return (response.status === 204 ? undefined : await response.json()) as T;
}

/** For what is not JSON. @throws {ApiFailure} */
export async function request(method: string, path: string, body?: string, signal?: AbortSignal): Promise<Response> {
  const response = await fetchOrFail(API + path, {
    method,
    headers: headersFor(method),
    credentials: "same-origin",
    ...(body === undefined ? {} : { body }),
    ...(signal === undefined ? {} : { signal }),
  });
  noteServerTime(response.headers.get("date"));
  if (response.ok) return response;
  const failure = await failureOf(response);
  if (failure.status === 401 && !path.startsWith("/session")) hooks.onUnauthorized();
  throw failure;
}

function headersFor(method: string): Record<string, string> {
  const accept = { Accept: "application/json" };
  if (method === "GET" || method === "HEAD") return accept;
  const csrf = hooks.csrf();
  return {
    ...accept,
    "Content-Type": "application/json",
    ...(csrf === undefined ? {} : { "X-Boxcar-CSRF": csrf }),
  };
}

async function fetchOrFail(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch (error) {
    if (init.signal?.aborted === true) throw error;
    throw new ApiFailure(0, "unreachable", "the worker does not answer; this page tries again by itself");
  }
}

async function failureOf(response: Response): Promise<ApiFailure> {
  try {
    const { code, message, details } = (await response.json()) as Record<string, unknown>;
    return new ApiFailure(response.status, String(code ?? "error"), String(message ?? response.statusText), details);
  } catch {
    const message = `the answer was ${response.status} ${response.statusText}`;
    return new ApiFailure(response.status, "bad-answer", message);
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The address of a websocket below /api/v1. */
export function socketUrl(path: string): string {
  const url = new URL(API + path, location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url.href;
}

/** A path with its parts encoded: apiPath`/tasks/${id}/runs/${run}`. */
export function apiPath(texts: TemplateStringsArray, ...values: readonly (string | number)[]): string {
  return texts.reduce((path, text, index) => path + encodeURIComponent(String(values[index - 1])) + text);
}
