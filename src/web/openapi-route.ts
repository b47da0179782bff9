/** The description of the API, for programs. */
import { buildOpenApi, type OpenApiOptions } from "./openapi.ts";
import { defineRoute, type Route } from "./route.ts";

/** @param options.routes Without this one, which describes itself too. */
export function openApiRoute({ routes, ...options }: OpenApiOptions): Route {
  let document: object | undefined;
  const own: Route = defineRoute()({
    method: "GET",
    path: "/api/v1/openapi.json",
    operation: "getOpenApi",
    summary: "This description",
    tag: "observation",
    permission: undefined,
    answers: { 200: { description: "An OpenAPI document.", contentType: "application/json" } },
    handle() {
      document ??= buildOpenApi({ routes: [...routes, own], ...options });
      return document;
    },
  });
  return own;
}
