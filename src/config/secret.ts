/** A secret of the configuration, which no log and no dump of an object shows. */
import { inspect } from "node:util";
import { InvalidInputError } from "../base/errors.ts";
import type { ConfigValuesSecret } from "../generated/config-values.ts";
import { REDACTED } from "../schema/redact.ts";

export class Secret {
  readonly #value: string | InvalidInputError;

  private constructor(value: string | InvalidInputError) {
    this.#value = value;
  }

  static of(value: string): Secret {
    return new Secret(value);
  }

  /** One that could not be read, which matters only to who needs it: most commands do not. */
  static unreadable(error: InvalidInputError): Secret {
    return new Secret(error);
  }

  /** @throws {@link InvalidInputError} (blame: host) why it cannot be read. */
  reveal(): string {
    if (typeof this.#value !== "string") throw this.#value;
    return this.#value;
  }

  /** Why it cannot be read; undefined if it can. */
  get trouble(): InvalidInputError | undefined {
    return typeof this.#value === "string" ? undefined : this.#value;
  }

  toString(): string {
    return REDACTED;
  }

  toJSON(): string {
    return REDACTED;
  }

  [inspect.custom](): string {
    return REDACTED;
  }
}

/** What stands in a configuration in the place of a secret. */
export type SecretReference = Exclude<ConfigValuesSecret, string>;

/** Path in the configuration → what was found there. */
export type Secrets = ReadonlyMap<string, Secret>;

/**
 * The secret at `path`, of which the configuration says `value`.
 *
 * @param secrets What has been read of those that are somewhere else.
 */
export function secretAt(path: string, value: ConfigValuesSecret, secrets: Secrets): Secret {
  if (typeof value === "string") return Secret.of(value);
  const message = "is somewhere else, and has not been read; give the text, or use a configuration file";
  return (
    secrets.get(path) ?? Secret.unreadable(new InvalidInputError("The configuration", [{ path, message }], "host"))
  );
}
