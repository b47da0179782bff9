/** Section `features.secrets` of the configuration: what tasks are given by name. */
import type { FeatureSecretsConfig } from "../../generated/feature-secrets.ts";
import { joinPath } from "../../schema/document-path.ts";
import { type Secret, type Secrets, secretAt } from "../secret.ts";

export interface SecretsSettings {
  readonly values: Readonly<Record<string, Secret>>;
  /** Whether tasks may know which there are. */
  readonly listNames: boolean;
}

/** The section, with the schema's defaults in it. */
export type FilledSecrets = Required<FeatureSecretsConfig>;

export function completeSecrets({ values, listNames }: FilledSecrets, secrets: Secrets): SecretsSettings {
  const entries = Object.entries(values).map(([name, value]) => {
    return [name, secretAt(joinPath("features.secrets.values", name), value, secrets)] as const;
  });
  return { values: Object.fromEntries(entries), listNames };
}
