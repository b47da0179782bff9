/** What is said to a request for a path that there is, with a method it does not have. */
import { type Request, Router } from "express";
import { ApiError } from "./api-error.ts";
import type { Route } from "./route.ts";
import { expressPath } from "./route-router.ts";

/** @throws {ApiError} `method-not-allowed`; what else there is goes on to others. */
export function methodRouter(routes: readonly Pick<Route, "method" | "path">[]): Router {
  const router = Router({ caseSensitive: true });
  const known = new WeakMap<Request, Set<string>>();
  for (const [path, those] of Map.groupBy(routes, (route) => route.path)) {
    const methods = those.flatMap(({ method }) => (method === "GET" ? ["GET", "HEAD"] : [method]));
    // Several may be at one path: what one lacks another has.
    router.all(expressPath(path), (request, _response, next) => {
      known.set(request, new Set([...(known.get(request) ?? []), ...methods]));
      next();
    });
  }
  router.use((request, response, next) => {
    const methods = known.get(request);
    if (methods === undefined || methods.has(request.method)) return next();
    const allow = [...methods, "OPTIONS"].join(", ");
    if (request.method === "OPTIONS") return void response.status(204).set("Allow", allow).end();
    throw new ApiError(405, "method-not-allowed", `there is no ${request.method} here; there is ${allow}`, undefined, {
      Allow: allow,
    });
  });
  return router;
}
