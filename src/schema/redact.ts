/** Takes secrets out of a document before it is printed. */
import { type JsonSchema, readSchema, resolveReference, type SchemaId } from "./schema-files.ts";

/** What stands where a secret was. */
export const REDACTED = "[secret]";

/**
 * A copy of `data` in which every value whose schema says `"x-secret": true` is {@link REDACTED}.
 * Keys the schema does not know are kept as they are.
 */
export function redact(data: unknown, schema: JsonSchema): unknown {
  return redactNode(data, schema, schema);
}

/** {@link redact} by the name of the schema. */
export function redactAs(schemaId: SchemaId, data: unknown): unknown {
  return redact(data, readSchema(schemaId));
}

function redactNode(data: unknown, node: JsonSchema, document: JsonSchema): unknown {
  const { schema, root } = resolve(node, document);
  if (node["x-secret"] === true || schema["x-secret"] === true) return REDACTED;
  if (Array.isArray(data)) return data.map((item) => redactNode(item, schema.items ?? {}, root));
  if (typeof data !== "object" || data === null) return data;
  const others = schema["additionalProperties"];
  const otherSchema = typeof others === "object" ? (others as JsonSchema) : {};
  const entries = Object.entries(data).map(([key, value]) => [
    key,
    redactNode(value, (Object.hasOwn(schema.properties ?? {}, key) && schema.properties?.[key]) || otherSchema, root),
  ]);
  return Object.fromEntries(entries);
}

/** Follows `$ref` to where it ends; `root` is the document it ends in. */
function resolve(node: JsonSchema, root: JsonSchema): { schema: JsonSchema; root: JsonSchema } {
  const target = node.$ref === undefined ? undefined : resolveReference(node.$ref, root);
  return target === undefined ? { schema: node, root } : resolve(target.schema, target.document);
}
