/** The schemas of documents, as `boxcar schema NAME` prints them. */
import { bundleSchema, isSchemaName, SCHEMA_NAMES } from "../../schema/catalog.ts";
import { ApiError } from "./api-error.ts";
import { OPENAPI_PATH } from "./openapi-route.ts";
import { defineRoute, type Route } from "./route.ts";

export function schemaRoutes(): Route[] {
  return [
    defineRoute()({
      method: "GET",
      path: "/api/v1/schemas/{name}",
      operation: "getSchema",
      summary: "The JSON Schema of a document",
      tag: "observation",
      permission: "read",
      answers: {
        200: { description: "A schema that needs no other.", contentType: "application/schema+json" },
        308: { description: "What the HTTP API is, `api`, is described elsewhere." },
      },
      handle({ params, response }) {
        const { name } = params;
        if (name === "api") {
          response.status(308).location(OPENAPI_PATH).end();
          return;
        }
        if (!isSchemaName(name)) {
          const known = [...Object.keys(SCHEMA_NAMES), "api"].join(", ");
          const message = `there is no schema ${JSON.stringify(name.slice(0, 100))}; there are ${known}`;
          throw new ApiError(404, "schema-not-found", message);
        }
        const text = JSON.stringify(bundleSchema(name), undefined, 2);
        response.status(200).type("application/schema+json").set("Cache-Control", "no-cache").send(`${text}\n`);
      },
    }),
  ];
}
