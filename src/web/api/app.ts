/**
 * The HTTP side of a worker, put together: the routes of its API, the dashboard, and what is said to mistakes.
 *
 * Trust boundary. Who asks is found out by `authenticate`, for each route; the name in `Host` must be this server's own,
 * so that no name of a stranger leads a browser here; what changes something must come as JSON, or be PUT as what no form
 * has, which pages of others cannot send.
 */
import type { IncomingMessage } from "node:http";
import express, { type ErrorRequestHandler, type Express, type RequestHandler, type Router } from "express";
import { requireOwnHost } from "../access/own-host.ts";
import { ApiError, toApiError } from "./api-error.ts";
import { mediaTypeOf } from "./media-type.ts";
import { methodRouter } from "./method-router.ts";
import type { Route } from "./route.ts";
import { type RouteParts, routeRouter } from "./route-router.ts";

export interface AppOptions extends RouteParts {
  routes: readonly Route[];
  /** What is asked for by no route, such as the pages of the dashboard. */
  others?: readonly Router[];
  /** @throws {ApiError} The request was not meant for this server. Default: it must be for this host. */
  checkHost?: (request: IncomingMessage) => void;
  /** Of its path and query. Default: 14 KiB, a reference to a task and the name of an artifact of any characters. */
  maxUrlLength?: number;
  /** Something failed that is no mistake of who asked; he is told less. Default: nobody hears of it. */
  onFailure?: (error: unknown, request: { readonly method: string; readonly path: string }) => void;
}

const MAX_URL_LENGTH = 14 * 1_024;

const SAFE_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);

export function createApp({
  routes,
  others = [],
  checkHost = requireOwnHost,
  maxUrlLength = MAX_URL_LENGTH,
  onFailure,
  ...parts
}: AppOptions): Express {
  const app = express();
  app.disable("x-powered-by");
  app.disable("etag");
  app.set("query parser", "simple");
  const requireHost: RequestHandler = (request, _response, next) => {
    checkHost(request);
    if (request.url.length > maxUrlLength) throw new ApiError(414, "too-long", "the address is too long");
    next();
  };
  app.use(requireHost, hardenAnswer, methodRouter(routes), requireJson(routes), routeRouter(routes, parts), ...others);
  app.use((request) => {
    throw new ApiError(404, "not-found", `there is nothing at ${request.method} ${request.path.slice(0, 200)}`);
  });
  app.use(answerError(onFailure));
  return app;
}

/** For answers of the API; a route or a page that has to be shown says more. */
const hardenAnswer: RequestHandler = (_request, response, next) => {
  response.set({
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
  });
  next();
};

function requireJson(routes: readonly Route[]): RequestHandler {
  const streamed = new Set(routes.flatMap(({ stream }) => stream ?? []));
  return (request, _response, next) => {
    const type = mediaTypeOf(request);
    const isStream = request.method === "PUT" && type !== undefined && streamed.has(type);
    if (!SAFE_METHODS.has(request.method) && !isStream && type !== "application/json") {
      throw new ApiError(415, "json-only", "the body must be JSON; set Content-Type: application/json");
    }
    next();
  };
}

function answerError(onFailure: AppOptions["onFailure"]): ErrorRequestHandler {
  return (error: unknown, request, response, _next) => {
    const { status, code, message, details, headers } = toApiError(error);
    if (status >= 500) onFailure?.(error, { method: request.method, path: request.path.slice(0, 200) });
    if (response.headersSent || response.destroyed) {
      response.destroy();
      return;
    }
    response
      .status(status)
      .set({ "Cache-Control": "no-store", ...headers })
      .json({ code, message, ...(details === undefined ? {} : { details }) });
  };
}
