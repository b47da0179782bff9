/** Section `access` of the configuration: who may use the HTTP API. */
import type { Issue } from "../base/errors.ts";
import type { AccessConfig } from "../generated/access-config.ts";
import { durationIssues } from "../schema/duration.ts";
import { isLoopback } from "./listen-address.ts";
import { durationMs } from "./quantities.ts";
import { type Secret, type Secrets, secretAt } from "./secret.ts";

export interface AccessSettings {
  readonly enabled: boolean;
  readonly sessions: { readonly durationMs: number };
  readonly oidc: OidcSettings | undefined;
  readonly rateLimits: RateLimitSettings;
}

export interface OidcSettings {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: Secret;
  /** Of the button. */
  readonly label: string;
  readonly scopes: readonly string[];
  /** Undefined: the verified address of mail, or `sub`. */
  readonly nameClaim: string | undefined;
  readonly rolesClaim: string;
  readonly roles: Readonly<Record<RoleName, readonly string[]>>;
  readonly defaultRole: RoleName | undefined;
}

export type RateLimitSettings = Readonly<Required<NonNullable<AccessConfig["rateLimits"]>>>;

type OidcConfig = NonNullable<AccessConfig["oidc"]>;
type RoleName = keyof NonNullable<OidcConfig["roles"]>;

/** The section, with the schema's defaults in it. */
export interface FilledAccess {
  enabled: boolean;
  sessions: Required<NonNullable<AccessConfig["sessions"]>>;
  oidc?: FilledOidc;
  rateLimits: RateLimitSettings;
}

type FilledOidc = Omit<OidcConfig, "label" | "scopes" | "rolesClaim" | "roles"> & {
  label: string;
  scopes: string[];
  rolesClaim: string;
  roles: Record<RoleName, string[]>;
};

const PATH = "access";
const MAX_SESSION_MS = 365 * 86_400_000;

export function completeAccess(
  { enabled, sessions, oidc, rateLimits }: FilledAccess,
  secrets: Secrets,
): AccessSettings {
  return {
    enabled,
    sessions: { durationMs: durationMs(sessions.duration) },
    oidc: oidc === undefined ? undefined : completeOidc(oidc, secrets),
    rateLimits,
  };
}

function completeOidc({ clientSecret, nameClaim, defaultRole, ...rest }: FilledOidc, secrets: Secrets): OidcSettings {
  return {
    ...rest,
    nameClaim,
    defaultRole,
    clientSecret: secretAt(`${PATH}.oidc.clientSecret`, clientSecret, secrets),
  };
}

/** @param url What `worker.http.url` says. */
export function accessIssues({ enabled, sessions, oidc }: FilledAccess, url: string | undefined): Issue[] {
  const issues = durationIssues(`${PATH}.sessions.duration`, sessions.duration, MAX_SESSION_MS);
  return oidc === undefined ? issues : [...issues, ...oidcIssues(oidc, enabled, url)];
}

function oidcIssues({ issuer, scopes, roles, defaultRole }: FilledOidc, enabled: boolean, url?: string): Issue[] {
  const issues: Issue[] = [];
  const add = (key: string, message: string) => void issues.push({ path: `${PATH}.oidc${key}`, message });
  if (!URL.canParse(issuer)) add(".issuer", "is no address");
  else if (!isSafeIssuer(new URL(issuer))) {
    add(".issuer", "must begin with https://; anybody on the way could say who people are otherwise");
  }
  if (!scopes.includes("openid")) add(".scopes", 'must have "openid" among them');
  if (defaultRole === undefined && Object.values(roles).every((values) => values.length === 0)) {
    add("", "gives nobody a role, and so lets nobody in; set roles or defaultRole");
  }
  if (enabled && url === undefined) {
    add("", "needs worker.http.url: the provider sends people back there");
  }
  return issues;
}

function isSafeIssuer({ protocol, hostname }: URL): boolean {
  return protocol === "https:" || isLoopback(hostname.replace(/^\[|\]$/g, ""));
}
