/** Section `features.inputs` of the configuration: what the worker fetches for its tasks. */
import type { Issue } from "../../base/errors.ts";
import { tryParseUrlPrefix, type UrlPrefix } from "../../base/url-prefix.ts";
import type { FeatureInputsConfig } from "../../generated/feature-inputs.ts";
import { MIB } from "../quantities.ts";

export interface InputsSettings {
  readonly allow: readonly UrlPrefix[];
  /** Of what is fetched for one task. */
  readonly maxBytes: number;
  /** Of all that is kept. */
  readonly cacheBytes: number;
}

/** The section, with the schema's defaults in it. */
export type FilledInputs = Required<FeatureInputsConfig>;

export function completeInputs({ allow, maxMiB, cacheMiB }: FilledInputs): InputsSettings {
  return {
    allow: allow.map(tryParseUrlPrefix).filter((prefix) => prefix !== undefined),
    maxBytes: Math.round(maxMiB * MIB),
    cacheBytes: Math.round(cacheMiB * MIB),
  };
}

export function inputsIssues({ allow }: FilledInputs): Issue[] {
  return allow.flatMap((text, index) => {
    if (tryParseUrlPrefix(text) !== undefined) return [];
    const message = 'must be "https://", or the begin of a URL with a host, and without user, query and fragment';
    return [{ path: `features.inputs.allow[${index}]`, message }];
  });
}
