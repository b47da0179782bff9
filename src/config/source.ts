/** What file and environment say together, checked against the schema. Pure. */
import { InvalidInputError, type Issue } from "../base/errors.ts";
import type { WorkerConfig } from "../generated/worker-config.ts";
import { parseAs } from "../schema/parse.ts";
import { applyOverrides, overridesIn, unknownVariables } from "./environment.ts";
import type { Surroundings } from "./host-facts.ts";
import { findSecretReferences, type PlacedReference } from "./secret-references.ts";

export interface ConfigSource {
  /** With the schema's defaults; what has an issue counts as not said. */
  readonly document: WorkerConfig;
  readonly issues: readonly Issue[];
  /** Path in the configuration → the variable that sets it. */
  readonly variables: ReadonlyMap<string, string>;
  readonly secrets: readonly PlacedReference[];
  /** What is no mistake for certain. */
  readonly warnings: readonly string[];
}

/** @param file What the configuration file says; undefined if there is none. */
export function combineSources(file: unknown, env: Surroundings["env"]): ConfigSource {
  const overrides = overridesIn(env);
  const variables = new Map(overrides.map(({ variable }) => [variable.path, variable.name]));
  const fromFile = tryParse(file ?? {});
  const base = fromFile.document ?? defaults();
  const merged = overrides.length === 0 ? { document: base, issues: [] } : tryParse(applyOverrides(base, overrides));
  const document = merged.document ?? base;
  const secrets = findSecretReferences(document);
  const named = secrets.flatMap(({ reference }) => reference.env ?? []);
  return {
    document,
    issues: [...fromFile.issues, ...withVariables(merged.issues, variables)],
    variables,
    secrets,
    warnings: unknownVariables(env, named),
  };
}

/** Issues of what a variable sets name the variable. */
export function withVariables(issues: readonly Issue[], variables: ReadonlyMap<string, string>): Issue[] {
  return issues.map(({ path, message }) => ({ path: variables.get(path) ?? path, message }));
}

export function defaults(): WorkerConfig {
  return parseAs("worker-config", {}, { subject: "The default configuration", blame: "worker" });
}

function tryParse(data: unknown): { document?: WorkerConfig; issues: readonly Issue[] } {
  try {
    return { document: parseAs("worker-config", data, { subject: "", blame: "host" }), issues: [] };
  } catch (error) {
    if (!(error instanceof InvalidInputError)) throw error;
    return { issues: error.issues };
  }
}
