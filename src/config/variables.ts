/** The environment variables that set a value of the configuration: one for every scalar of the schema. */
import { joinPath } from "../schema/document-path.ts";
import { type JsonSchema, readSchema, resolveReference } from "../schema/schema-files.ts";

export interface ConfigVariable {
  readonly name: string;
  /** Keys down to the value. */
  readonly steps: readonly string[];
  /** As issues name it. */
  readonly path: string;
  readonly types: ReadonlySet<string>;
}

/** Shorter names → those that the schema makes. */
const ALIASES: Readonly<Record<string, string>> = { BOXCAR_IMAGES_DIR: "BOXCAR_IMAGES_DIRECTORY" };

const SCALARS = new Set(["boolean", "integer", "number", "string"]);

let cache: ReadonlyMap<string, ConfigVariable> | undefined;

/** Name of the variable → what it sets; the aliases first, so that the full names win. */
export function configVariables(): ReadonlyMap<string, ConfigVariable> {
  cache ??= collect();
  return cache;
}

function collect(): ReadonlyMap<string, ConfigVariable> {
  const schema = readSchema("worker-config");
  const named = new Map([...scalarsOf(schema, schema, [])].map((variable) => [variable.name, variable]));
  const aliases = Object.entries(ALIASES).flatMap(([alias, name]) => {
    const variable = named.get(name);
    return variable === undefined ? [] : [[alias, { ...variable, name: alias }] as const];
  });
  return new Map([...aliases, ...named]);
}

function* scalarsOf(node: JsonSchema, document: JsonSchema, steps: readonly string[]): Generator<ConfigVariable> {
  const target = node.$ref === undefined ? undefined : resolveReference(node.$ref, document);
  if (target !== undefined) {
    yield* scalarsOf(target.schema, target.document, steps);
    return;
  }
  const types = typesOf(node);
  if (types.size > 0) {
    const path = steps.reduce((sum, step) => joinPath(sum, step), "");
    yield { name: variableName(steps), steps, path, types };
    return;
  }
  for (const [key, property] of Object.entries(node.properties ?? {})) {
    yield* scalarsOf(property, document, [...steps, key]);
  }
}

/** The scalar types a value may have. */
function typesOf(schema: JsonSchema): ReadonlySet<string> {
  const values = "const" in schema ? [schema["const"]] : schema["enum"];
  const types = Array.isArray(values) ? values.map((value) => typeof value) : [schema["type"]].flat();
  return new Set(types.filter((type): type is string => typeof type === "string" && SCALARS.has(type)));
}

/** `limits.maxLogMiB` → `BOXCAR_LIMITS_MAX_LOG_MIB`. */
function variableName(steps: readonly string[]): string {
  return ["boxcar", ...steps].map((step) => snakeCase(step).toUpperCase()).join("_");
}

/** A word begins where a capital follows a small letter; not inside of MiB and GiB. */
function snakeCase(key: string): string {
  return key.replace(/([a-z0-9])(?=[A-Z])(?<![KMGT]i(?=B))/g, "$1_").replaceAll("-", "_");
}
