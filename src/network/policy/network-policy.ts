/** What a machine may reach outside, beside its own services; what is not public never is. */
import type { AllowRule } from "../../base/allow-rule.ts";

export type { AllowRule, NameRule, SubnetRule } from "../../base/allow-rule.ts";

/** `internet` is everything public, `isolated` nothing. */
export type NetworkPolicy =
  | { readonly kind: "isolated" }
  | { readonly kind: "allow"; readonly rules: readonly AllowRule[] }
  | { readonly kind: "internet" };

export const ISOLATED: NetworkPolicy = Object.freeze({ kind: "isolated" });
export const INTERNET: NetworkPolicy = Object.freeze({ kind: "internet" });
