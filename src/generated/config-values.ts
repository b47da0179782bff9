// Generated from schemas/config-values.schema.json by scripts/generate-types.ts; never edited.

/**
 * An absolute path.
 */
export type ConfigValuesAbsolutePath = string;
/**
 * A length of time: seconds, or a text such as "10 minutes" or "1 day 2 hours".
 */
export type ConfigValuesDuration = number | string;
/**
 * A secret, or where it is.
 */
export type ConfigValuesSecret =
  | string
  | {
      /**
       * File that holds the secret; nobody but its owner and group may read it.
       */
      file?: ConfigValuesAbsolutePath;
      /**
       * Environment variable that holds the secret.
       */
      env?: string;
      /**
       * Credential that systemd hands to the service: a file in $CREDENTIALS_DIRECTORY.
       */
      credential?: string;
    };

/**
 * Kinds of values that several sections of a configuration have.
 */
export interface ConfigValues {
  [k: string]: unknown;
}
