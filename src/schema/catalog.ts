/** The schemas as `boxcar schema NAME` prints them: each one document that needs no other. */
import { type JsonSchema, readSchema, SCHEMA_URN_PREFIX, type SchemaId } from "./schema-files.ts";

/** What people call the schemas → their ids. */
export const SCHEMA_NAMES = {
  task: "task-definition",
  payload: "task-payload",
  machine: "machine",
  "machine-options": "machine-options",
  config: "worker-config",
  image: "image",
  manifest: "manifest",
  recipe: "recipe",
} as const satisfies Record<string, SchemaId>;

export type SchemaName = keyof typeof SCHEMA_NAMES;

export function isSchemaName(name: string): name is SchemaName {
  return Object.hasOwn(SCHEMA_NAMES, name);
}

/** The schema with everything it refers to in its own `$defs`. */
export function bundleSchema(name: SchemaName): JsonSchema {
  const id = SCHEMA_NAMES[name];
  const root = readSchema(id);
  const definitions = new Map<string, unknown>(Object.keys(root.$defs ?? {}).map((key) => [key, undefined]));
  const bundled = inlined(root, id, id, definitions) as JsonSchema;
  const added = [...definitions].filter(([, schema]) => schema !== undefined);
  if (added.length === 0) return bundled;
  return { ...bundled, $defs: { ...bundled.$defs, ...(Object.fromEntries(added) as Record<string, JsonSchema>) } };
}

/** `node` of document `owner` rewritten to live in document `root`; what it needs is put into `definitions`. */
function inlined(node: unknown, owner: SchemaId, root: SchemaId, definitions: Map<string, unknown>): unknown {
  if (Array.isArray(node)) return node.map((item) => inlined(item, owner, root, definitions));
  if (typeof node !== "object" || node === null) return node;
  const entries = Object.entries(node).map(([key, value]) =>
    key === "$ref" && typeof value === "string"
      ? [key, localReference(value, owner, root, definitions)]
      : [key, inlined(value, owner, root, definitions)],
  );
  return Object.fromEntries(entries);
}

function localReference(reference: string, owner: SchemaId, root: SchemaId, definitions: Map<string, unknown>): string {
  const [document = "", pointer = ""] = reference.split("#");
  const target = document === "" ? owner : (document.slice(SCHEMA_URN_PREFIX.length) as SchemaId);
  if (target === root) return `#${pointer}`;
  const key = pointer === "" ? target : `${target}.${pointer.replace("/$defs/", "")}`;
  if (!definitions.has(key)) {
    definitions.set(key, true);
    definitions.set(key, inlined(targetSchema(target, pointer), target, root, definitions));
  }
  return `#/$defs/${key}`;
}

function targetSchema(id: SchemaId, pointer: string): JsonSchema {
  const schema = readSchema(id);
  const { $schema: _schema, $id: _id, ...content } = schema;
  if (pointer === "") return content;
  const definition = schema.$defs?.[pointer.replace("/$defs/", "")];
  if (definition === undefined) throw new Error(`schema ${id} has no ${pointer}`);
  return definition;
}
