/** What file and environment say together, checked against the schema. Pure. */
import { InvalidInputError, type Issue } from "../base/errors.ts";
import type { WorkerConfig } from "../generated/worker-config.ts";
import { stepsOfPath } from "../schema/document-path.ts";
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
  const fromFile = salvage(file ?? {});
  const merged = salvage(applyOverrides(fromFile.document, overrides), fromFile.document);
  const { document } = merged;
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

/** What `data` says, but for what has an issue; `otherwise` where too little is left. */
function salvage(data: unknown, otherwise?: WorkerConfig): { document: WorkerConfig; issues: readonly Issue[] } {
  const whole = tryParse(data);
  if (whole.document !== undefined) return { document: whole.document, issues: [] };
  const rest = tryParse(without(data, whole.issues));
  return { document: rest.document ?? otherwise ?? defaults(), issues: whole.issues };
}

/** A copy of `data` that lacks what the issues are about. */
function without(data: unknown, issues: readonly Issue[]): unknown {
  const copy = structuredClone(data);
  for (const { path } of issues) {
    const steps = stepsOfPath(path);
    const key = steps.pop();
    const parent = steps.reduce(valueAt, copy);
    if (Array.isArray(parent)) parent.splice(Number(key), 1);
    else if (typeof parent === "object" && parent !== null && key !== undefined) Reflect.deleteProperty(parent, key);
  }
  return copy;
}

function valueAt(data: unknown, step: string | number): unknown {
  if (typeof data !== "object" || data === null || !Object.hasOwn(data, step)) return undefined;
  return (data as Record<string | number, unknown>)[step];
}

function tryParse(data: unknown): { document?: WorkerConfig; issues: readonly Issue[] } {
  try {
    return { document: parseAs("worker-config", data, { subject: "", blame: "host" }), issues: [] };
  } catch (error) {
    if (!(error instanceof InvalidInputError)) throw error;
    return { issues: error.issues };
  }
}
