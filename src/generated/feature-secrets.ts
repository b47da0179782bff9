// Generated from schemas/feature-secrets.schema.json by scripts/generate-types.ts; never edited.

import type { ConfigValuesSecret } from "./config-values.ts";

/**
 * Names of secrets of the worker that the command gets as environment variables.
 *
 * @maxItems 100
 *
 * Items: Name of a secret, and of the variable.
 */
export type FeatureSecrets = string[];

/**
 * Secrets that every task of this worker may ask for.
 */
export interface FeatureSecretsConfig {
  /**
   * Name → the secret, or where it is.
   */
  values?: {
    [k: string]: ConfigValuesSecret;
  };
  /**
   * Whether a task that asks for a secret that is not there is told the names of those that are.
   */
  listNames?: boolean;
}
