/**
 * The HTTP API of a worker, put together: every answer is JSON, also those to mistakes.
 *
 * Trust boundary. On a unix socket the permissions of its folder say who may use it. On loopback everybody on this host
 * may; pages of a browser may not: what changes something must come as JSON, which they cannot send elsewhere, and the
 * name in `Host` must be this host's own, so that no name of theirs leads here.
 */
import express, { type ErrorRequestHandler, type Express, type RequestHandler, type Router } from "express";
import { ApiError, toApiError } from "./api-error.ts";
import { checkOwnHost } from "./own-host.ts";

const MAX_BODY = "1mb";
const SAFE_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);

export type { Router };

/** @param routers By the path they are at. */
export function createApp(routers: Readonly<Record<string, Router | Router[]>>): Express {
  const app = express();
  app.disable("x-powered-by");
  app.set("query parser", "simple");
  app.use(requireOwnHost, requireJson, express.json({ limit: MAX_BODY, strict: true }));
  for (const [path, router] of Object.entries(routers)) app.use(path, router);
  app.use((request) => {
    throw new ApiError(404, "not-found", `there is nothing at ${request.method} ${request.path}`);
  });
  app.use(answerError);
  return app;
}

const requireOwnHost: RequestHandler = (request, _response, next) => {
  checkOwnHost(request);
  next();
};

const requireJson: RequestHandler = (request, _response, next) => {
  const isJson = request.headers["content-type"]?.split(";")[0]?.trim().toLowerCase() === "application/json";
  if (!SAFE_METHODS.has(request.method) && !isJson) {
    throw new ApiError(415, "json-only", "the body must be JSON; set Content-Type: application/json");
  }
  next();
};

const answerError: ErrorRequestHandler = (error: unknown, _request, response, _next) => {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const { status, code, message, details } = toApiError(error);
  response.status(status).json({ code, message, ...(details === undefined ? {} : { details }) });
};
