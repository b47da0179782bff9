/** What a task asks of the network, as its payload says it, made into a policy within the bounds of the configuration. */
import { type AllowRule, allowRuleFault, covers, tryParseAllowRule } from "../../base/allow-rule.ts";
import type { Issue } from "../../base/errors.ts";
import { INTERNET, ISOLATED, type NetworkPolicy } from "./network-policy.ts";

export type PolicyRequest = "isolated" | "internet" | { readonly allow: readonly string[] };

export interface PolicyBounds {
  readonly max: NetworkPolicy["kind"];
  /** What lists must be within; undefined: everything public. */
  readonly allow: readonly AllowRule[] | undefined;
}

export type PolicyOutcome =
  | { readonly policy: NetworkPolicy; readonly issues?: undefined }
  /** Not empty. */
  | { readonly policy?: undefined; readonly issues: readonly Issue[] };

export const UNBOUNDED: PolicyBounds = Object.freeze({ max: "internet", allow: undefined });

const ORDER: readonly NetworkPolicy["kind"][] = ["isolated", "allow", "internet"];

/** @param path Of the request in its document, for the issues. */
export function resolvePolicy(path: string, request: PolicyRequest, bounds: PolicyBounds = UNBOUNDED): PolicyOutcome {
  const kind = typeof request === "string" ? request : "allow";
  if (ORDER.indexOf(kind) > ORDER.indexOf(bounds.max)) {
    return { issues: [{ path, message: `asks for ${kind}, and this worker offers at most ${bounds.max}` }] };
  }
  if (request === "isolated") return { policy: ISOLATED };
  if (request === "internet") return { policy: INTERNET };
  const issues = request.allow.flatMap((text, index): Issue[] => {
    const message = entryFault(text, bounds.allow);
    return message === undefined ? [] : [{ path: `${path}.allow[${index}]`, message }];
  });
  if (issues.length > 0) return { issues };
  return { policy: { kind: "allow", rules: request.allow.flatMap((text) => tryParseAllowRule(text) ?? []) } };
}

function entryFault(text: string, bound: readonly AllowRule[] | undefined): string | undefined {
  const rule = tryParseAllowRule(text);
  if (rule === undefined) return `${JSON.stringify(text)} ${allowRuleFault(text)}`;
  if (bound === undefined || covers(bound, rule)) return undefined;
  return `${JSON.stringify(text)} is not within what this worker lets tasks reach`;
}
