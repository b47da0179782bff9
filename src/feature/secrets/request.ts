/**
 * Which secrets of the worker a task gets.
 *
 * A value is revealed for the command, and for whoever keeps it out of the log; no result, note or error has it.
 */
import { InvalidInputError, type Issue } from "../../base/errors.ts";
import type { Config } from "../../config/config.ts";
import type { SecretsSettings } from "../../config/features/secrets.ts";

/**
 * Name → value of what the task gets.
 *
 * @param payload Its `secrets` are names.
 * @throws {@link InvalidInputError} (blame: host) One cannot be read, or is not fit for a variable; (blame: task) there
 *   is none of that name.
 */
export function secretsOf(
  { secrets: names }: { readonly secrets: readonly string[] },
  config: Pick<Config, "features">,
): ReadonlyMap<string, string> {
  const settings = config.features.secrets;
  const unknown = unknownNames(names, settings);
  if (unknown.length > 0) throw new InvalidInputError("The task", unknown, "task");
  return new Map(names.map((name) => [name, revealed(name, settings)]));
}

/** @param names Of the payload. */
export function secretsIssues(names: unknown, env: unknown, settings: SecretsSettings): Issue[] {
  const texts = Array.isArray(names) ? names.map((name) => (typeof name === "string" ? name : "")) : [];
  const variables = typeof env === "object" && env !== null ? env : {};
  return [
    ...unknownNames(texts, settings),
    ...texts.flatMap((name, index) => {
      if (name === "" || !Object.hasOwn(variables, name)) return [];
      return [{ path: `secrets[${index}]`, message: "is a variable of env already; remove one of them" }];
    }),
  ];
}

function unknownNames(names: readonly string[], { values, listNames }: SecretsSettings): Issue[] {
  const known = Object.keys(values).sort();
  const hint = !listNames || known.length === 0 ? "" : `; there are ${known.join(", ")}`;
  return names.flatMap((name, index) => {
    if (name === "" || Object.hasOwn(values, name)) return [];
    return [{ path: `secrets[${index}]`, message: `is no secret of this worker${hint}` }];
  });
}

function revealed(name: string, { values }: SecretsSettings): string {
  const value = values[name]?.reveal() ?? "";
  if (!value.includes("\0")) return value;
  const issue = { path: `features.secrets.values.${name}`, message: "has NUL characters, which no variable can hold" };
  throw new InvalidInputError("The configuration", [issue], "host");
}
