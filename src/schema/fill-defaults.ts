/** Fills the `default`s of a schema into a document that matches it. */
import { type JsonSchema, resolveReference } from "./schema-files.ts";

type JsonObject = Record<string, unknown>;

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Changes `data` in place.
 *
 * Defaults in `$defs` are left alone: the fields of a machine come in layers,
 * and a default filled into an upper layer would hide the lower ones. Those of
 * another document that is referred to as a whole, or of its `$defs/config`,
 * are filled: it is a section of this one.
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
    fillDefaults(sectionOf(property), data[key]);
  }
}

function sectionOf(property: JsonSchema): JsonSchema {
  if (property.$ref === undefined || /#(?!\/\$defs\/config$)/.test(property.$ref)) return property;
  return resolveReference(property.$ref, property)?.schema ?? property;
}
