/** What claims of an identity provider mean here. Pure. */
import { ROLES, type Role } from "./role.ts";

export type Claims = Readonly<Record<string, unknown>>;

export interface ClaimRules {
  /** Undefined: the verified address of mail, or `sub`. */
  readonly nameClaim: string | undefined;
  readonly rolesClaim: string;
  readonly roles: Readonly<Record<Role, readonly string[]>>;
  readonly defaultRole: Role | undefined;
}

/** The role that may most; undefined: none. */
export function roleOfClaims(claims: Claims, { rolesClaim, roles, defaultRole }: ClaimRules): Role | undefined {
  const found = [claimAt(claims, rolesClaim)].flat().filter((value) => typeof value === "string");
  const given = ROLES.filter((role) => role === defaultRole || roles[role].some((value) => found.includes(value)));
  return given.at(-1);
}

const MAX_NAME = 200;

/**
 * What the person is called here; undefined: the claim is missing. It always has an `@`, so that nobody is taken for a
 * token.
 */
export function nameOfClaims(claims: Claims, { nameClaim }: ClaimRules, issuer: URL): string | undefined {
  const name = nameClaim === undefined ? usualName(claims) : textAt(claims, nameClaim);
  if (name === undefined) return undefined;
  return name.includes("@") ? name : `${name}@${issuer.host}`;
}

function usualName(claims: Claims): string | undefined {
  const mail = claims["email_verified"] === true ? textAt(claims, "email") : undefined;
  return mail?.includes("@") ? mail : textAt(claims, "sub");
}

function textAt(claims: Claims, path: string): string | undefined {
  const value = claimAt(claims, path);
  const isName = typeof value === "string" && value.length > 0 && value.length <= MAX_NAME && !/\p{Cc}/u.test(value);
  return isName ? value : undefined;
}

/** Names of claims may have dots themselves, as those that are addresses do. */
export function claimAt(claims: Claims, path: string): unknown {
  if (Object.hasOwn(claims, path)) return claims[path];
  return path.split(".").reduce<unknown>((value, key) => {
    const isThere = typeof value === "object" && value !== null && Object.hasOwn(value, key);
    return isThere ? (value as Claims)[key] : undefined;
  }, claims);
}
