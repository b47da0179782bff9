/** Where a configuration says that a secret is somewhere else. Pure. */
import { joinPath } from "../schema/document-path.ts";
import { type JsonSchema, readSchema, resolveReference } from "../schema/schema-files.ts";
import type { SecretReference } from "./secret.ts";

export interface PlacedReference {
  /** In the configuration. */
  readonly path: string;
  readonly reference: SecretReference;
}

/** @param document Checked against the schema. */
export function findSecretReferences(document: unknown, schema = readSchema("worker-config")): PlacedReference[] {
  return [...references(document, schema, schema, "")];
}

function* references(data: unknown, node: JsonSchema, root: JsonSchema, path: string): Generator<PlacedReference> {
  if (typeof data !== "object" || data === null) return;
  const target = node.$ref === undefined ? undefined : resolveReference(node.$ref, root);
  if (target !== undefined) {
    yield* references(data, target.schema, target.document, path);
  } else if (node["x-secret"] === true) {
    yield { path, reference: data };
  } else if (Array.isArray(data)) {
    for (const [index, item] of data.entries()) yield* references(item, node.items ?? {}, root, joinPath(path, index));
  } else {
    const others = typeof node["additionalProperties"] === "object" ? (node["additionalProperties"] as JsonSchema) : {};
    for (const [key, value] of Object.entries(data)) {
      const property = Object.hasOwn(node.properties ?? {}, key) ? node.properties?.[key] : undefined;
      yield* references(value, property ?? others, root, joinPath(path, key));
    }
  }
}
