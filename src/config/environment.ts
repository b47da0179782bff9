/** What the environment variables say, which stands above the configuration file. Pure. */
import { nearest } from "../schema/nearest.ts";
import type { Surroundings } from "./host-facts.ts";
import { type ConfigVariable, configVariables } from "./variables.ts";

const PREFIX = "BOXCAR_";

/** Variables that are not about a value of the configuration. */
const OTHERS = ["BOXCAR_CONFIG"];

export interface Override {
  readonly variable: ConfigVariable;
  readonly value: boolean | number | string;
}

/** The values that are set; an empty variable counts as unset. */
export function overridesIn(env: Surroundings["env"]): Override[] {
  // To look for the variables takes all schemas, and mostly there are none.
  if (!Object.keys(env).some((name) => name.startsWith(PREFIX))) return [];
  return [...configVariables().values()].flatMap((variable) => {
    const text = env[variable.name];
    return text ? [{ variable, value: scalarOf(text, variable.types) }] : [];
  });
}

/** The text itself where it is of no type that is allowed: the schema says then what is. */
function scalarOf(text: string, types: ReadonlySet<string>): Override["value"] {
  const word = text.trim();
  if (types.has("boolean") && /^(true|false)$/i.test(word)) return word.toLowerCase() === "true";
  if ((types.has("number") || types.has("integer")) && /^[+-]?\d+(\.\d+)?$/.test(word)) return Number(word);
  return text;
}

/** `document` with these values; parts that change are copied. */
export function applyOverrides<T extends object>(document: T, overrides: readonly Override[]): T {
  return overrides.reduce<T>((sum, { variable, value }) => withValue(sum, variable.steps, value) as T, document);
}

function withValue(document: unknown, [step, ...rest]: readonly string[], value: unknown): unknown {
  if (step === undefined) return value;
  const object = (typeof document === "object" && document !== null ? document : {}) as Record<string, unknown>;
  return { ...object, [step]: withValue(object[step], rest, value) };
}

/** A warning for each variable that looks like ours and sets nothing. */
export function unknownVariables(env: Surroundings["env"], alsoKnown: readonly string[] = []): string[] {
  const names = Object.keys(env).filter((name) => name.startsWith(PREFIX));
  if (names.length === 0) return [];
  const known = [...configVariables().keys(), ...OTHERS, ...alsoKnown];
  const unknown = names.filter((name) => !known.includes(name));
  return unknown.map((name) => {
    const meant = nearest(
      name.slice(PREFIX.length),
      known.map((candidate) => candidate.slice(PREFIX.length)),
    );
    const hint = meant === undefined ? "" : `; did you mean ${PREFIX}${meant}?`;
    return `the environment variable ${name} sets nothing${hint}`;
  });
}
