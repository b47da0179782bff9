/** The configuration that is in force, as a document, and who said what in it. */
import { isDeepStrictEqual } from "node:util";
import { joinPath } from "../schema/document-path.ts";
import { redactAs } from "../schema/redact.ts";
import { type JsonSchema, readSchema, resolveReference } from "../schema/schema-files.ts";
import { completeConfig } from "./config.ts";
import { withHostDefaults } from "./host-defaults.ts";
import type { Surroundings } from "./host-facts.ts";
import { readConfigFile } from "./load-config.ts";
import { combineSources, defaults } from "./source.ts";

export interface EffectiveConfig {
  /** Undefined where there is no file. */
  readonly file: string | undefined;
  /** Every value, secrets hidden. */
  readonly document: Readonly<Record<string, unknown>>;
  /** Path of each value that is not the default → the variable that says so, or the file. */
  readonly origins: ReadonlyMap<string, string>;
  readonly warnings: readonly string[];
}

/**
 * @throws {@link WorkerError} `config-unreadable`
 * @throws {@link InvalidInputError} with every issue; what is wrong is in force nowhere.
 */
export async function effectiveConfig(surroundings: Surroundings, name?: string): Promise<EffectiveConfig> {
  const file = await readConfigFile(surroundings, name);
  const said = await file?.parse();
  const source = combineSources(said, surroundings.env);
  completeConfig(source, surroundings, file && { subject: file.path });
  const document = withHostDefaults(source.document, surroundings);
  // A directory below stateDir, say, may differ from the default without being in the file.
  const inFile = new Set([...leavesOf(said)].map(([path]) => path));
  const usual = new Map(leavesOf(withHostDefaults(defaults(), surroundings)));
  const origins = [...leavesOf(document)].flatMap(([path, value]) => {
    const variable = source.variables.get(path);
    if (variable !== undefined) return [[path, variable] as const];
    const isUsual = !inFile.has(path) || isDeepStrictEqual(usual.get(path), value);
    return file === undefined || isUsual ? [] : [[path, file.path] as const];
  });
  return {
    file: file?.path,
    document: inOrder(redactAs("worker-config", document), readSchema("worker-config")) as Record<string, unknown>,
    origins: new Map(origins),
    warnings: source.warnings,
  };
}

/** Lists count as one value, and so do objects without a key. */
function* leavesOf(data: unknown, path = ""): Generator<[path: string, value: unknown]> {
  if (typeof data !== "object" || data === null || Array.isArray(data) || Object.keys(data).length === 0) {
    yield [path, data];
    return;
  }
  for (const [key, value] of Object.entries(data)) yield* leavesOf(value, joinPath(path, key));
}

/** The keys in the order of the schema, as far as it has sections. */
function inOrder(data: unknown, schema: JsonSchema): unknown {
  if (typeof data !== "object" || data === null || Array.isArray(data)) return data;
  const section = (schema.$ref === undefined ? undefined : resolveReference(schema.$ref, schema)?.schema) ?? schema;
  const keys = new Set([...Object.keys(section.properties ?? {}), ...Object.keys(data)]);
  const known = [...keys].filter((key) => Object.hasOwn(data, key));
  const values = data as Record<string, unknown>;
  return Object.fromEntries(known.map((key) => [key, inOrder(values[key], section.properties?.[key] ?? {})]));
}
