/** The description of the API, for programs. */
import { buildOpenApi, type OpenApiOptions } from "./openapi.ts";
import { defineRoute, type Route } from "./route.ts";

export const OPENAPI_PATH = "/api/v1/openapi.json";

/** @param options.routes Without this one, which describes itself too. */
export function openApiRoute({ routes, ...options }: OpenApiOptions): Route {
  let document: object | undefined;
  const own: Route = defineRoute()({
    method: "GET",
    path: OPENAPI_PATH,
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
