/** What a machine may reach outside, beside its own services; what is not public never is. */

/** `internet` is everything public, `isolated` nothing. */
export type NetworkPolicy =
  | { readonly kind: "isolated" }
  | { readonly kind: "allow"; readonly rules: readonly AllowRule[] }
  | { readonly kind: "internet" };

export type AllowRule = NameRule | SubnetRule;

export interface NameRule {
  /** In lower case; `*.example.org` is every name below example.org, and not itself. */
  readonly name: string;
  /** 1 to 65535, in order; not empty. */
  readonly ports: readonly number[];
}

export interface SubnetRule {
  /** First address, a uint32. */
  readonly subnet: number;
  readonly prefixLength: number;
  readonly ports: readonly number[];
}

export const ISOLATED: NetworkPolicy = Object.freeze({ kind: "isolated" });
