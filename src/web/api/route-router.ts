/** Express routes out of {@link Route}s: each request is known, allowed, checked, passed on or answered, in this order. */
import express, { type Request, type Response, Router } from "express";
import type { Principal } from "../../access/principal.ts";
import { parseAs, parseDefinition } from "../../schema/parse.ts";
import { splitUrl } from "../runs/log-request.ts";
import { ApiError } from "./api-error.ts";
import { requireFlat } from "./json-depth.ts";
import { mediaTypeOf } from "./media-type.ts";
import { parseQuery, requireNames } from "./parameters.ts";
import { requirePermission } from "./permission.ts";
import type { BodySchema, Call, Route } from "./route.ts";

/** What is needed of those who know clients and the fleet. */
export interface RouteParts {
  /** Who asks; undefined: nobody has logged in. @throws {ApiError} What he shows is no good. */
  authenticate: (request: Request) => Promise<Principal | undefined>;
  /**
   * Has another worker answer, where that is due; resolves with whether it does. Default: this worker answers all.
   *
   * @throws {ApiError} It should, and cannot.
   */
  passOn?: (route: Route, call: Call) => Promise<boolean>;
  /** A request was answered, or refused. Default: nobody is told. */
  observe?: (
    route: Route,
    call: Call | undefined,
    answered: { status: number; durationMs: number },
    request: Request,
  ) => void;
}

const MAX_BODY = "1mb";

export function routeRouter(routes: readonly Route[], parts: RouteParts): Router {
  const router = Router({ caseSensitive: true });
  const parseJson = express.json({ limit: MAX_BODY, strict: true });
  for (const route of routes) {
    const before = route.method === "GET" || route.stream !== undefined ? [] : [parseJson];
    // Who may not ask is not asked what he wants.
    router[METHOD[route.method]](expressPath(route.path), knowing(route, parts), ...before, answering(route, parts));
  }
  return router;
}

const METHOD = { GET: "get", POST: "post", PUT: "put", DELETE: "delete" } as const;

/** As express has it. */
export function expressPath(path: string): string {
  return path.replaceAll(/\{\+(\w+)\}/g, "*$1").replaceAll(/\{(\w+)\}/g, ":$1");
}

const known = new WeakMap<Request, Principal>();
const NOBODY: Principal = { name: "nobody", role: "viewer", via: "host" };

function knowing(route: Route, parts: RouteParts) {
  return async (request: Request, response: Response, next: () => void) => {
    const begin = performance.now();
    response.once("close", () => {
      const call = calls.get(request);
      parts.observe?.(route, call, { status: response.statusCode, durationMs: performance.now() - begin }, request);
    });
    const principal = await parts.authenticate(request);
    if (route.permission !== undefined) requirePermission(principal, route.permission);
    known.set(request, principal ?? NOBODY);
    next();
  };
}

const calls = new WeakMap<Request, Call>();

function answering(route: Route, parts: RouteParts) {
  const statuses = Object.keys(route.answers).map(Number);
  const status = statuses.find((each) => each >= 200 && each < 300) ?? 200;
  return async (request: Request, response: Response) => {
    if (route.stream !== undefined) requireType(request, route.stream);
    const { query } = splitUrl(request.originalUrl);
    const call: Call = {
      principal: known.get(request) ?? NOBODY,
      params: paramsOf(request),
      query: route.takesAnyQuery === true ? {} : parseQuery(route.query, query),
      body: route.body === undefined ? undefined : parseBody(route.body, request.body),
      request,
      response,
      signal: hungUp(response),
    };
    calls.set(request, call);
    if (await parts.passOn?.(route, call)) return;
    const answer = await route.handle(call);
    if (answer !== undefined) response.status(status).set("Cache-Control", "no-store").json(answer);
    else if (status === 204 && !response.headersSent) response.status(204).end();
  };
}

/** @throws {ApiError} `wrong-type` */
function requireType(request: Request, type: string): void {
  if (mediaTypeOf(request) === type) return;
  throw new ApiError(415, "wrong-type", `the body must be ${type}, and Content-Type must say so`);
}

/**
 * A name that stands for several segments comes as a list of them.
 *
 * @throws {ApiError} `bad-request`
 */
function paramsOf({ params }: Request): Record<string, string> {
  const entries = Object.entries(params as Record<string, string | string[]>);
  return requireNames(
    Object.fromEntries(entries.map(([name, value]) => [name, Array.isArray(value) ? value.join("/") : value])),
  );
}

/** A request without a body says nothing, which is enough for many. */
function parseBody(schema: BodySchema, body: unknown = {}): unknown {
  requireFlat(body);
  if ("unchecked" in schema) return body;
  const options = { blame: "task", subject: "The body" } as const;
  if ("api" in schema) return parseDefinition("api", schema.api, body, options);
  return parseAs(schema.document, body, { ...options, subject: "The task" });
}

function hungUp(response: Response): AbortSignal {
  const gone = new AbortController();
  response.once("close", () => {
    if (!response.writableFinished) gone.abort(new ApiError(499, "client-gone", "the client has hung up"));
  });
  return gone.signal;
}
