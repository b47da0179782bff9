/** Fills the `default`s of a schema into a document that matches it. */
import type { JsonSchema } from "./schema-files.ts";

type JsonObject = Record<string, unknown>;

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Changes `data` in place.
 *
 * Defaults behind a `$ref` are left alone: the fields of a machine come in
 * layers, and a default filled into an upper layer would hide the lower ones.
 */
export function fillDefaults(schema: JsonSchema, data: unknown): void {
  if (Array.isArray(data) && schema.items !== undefined) {
    for (const item of data) fillDefaults(schema.items, item);
  }
  if (!isObject(data)) return;
  for (const [key, property] of Object.entries(schema.properties ?? {})) {
    if (!Object.hasOwn(data, key)) {
      if (property["default"] === undefined) continue;
      data[key] = structuredClone(property["default"]);
    }
    fillDefaults(property, data[key]);
  }
}
