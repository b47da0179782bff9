/** What a token looks like: `bxc_ID_SECRET`, so that scanners for secrets find it and lists can name it. Pure but for chance. */
import { randomBytes } from "node:crypto";
import { randomSecret } from "./secrets.ts";

const ID_BYTES = 5;
const TOKEN = /^bxc_([0-9a-f]{10})_[A-Za-z0-9_-]{43}$/;

export interface MintedToken {
  /** 10 hex digits; not secret. */
  readonly id: string;
  /** 256 random bits, beside the id. */
  readonly token: string;
}

export function mintToken(): MintedToken {
  const id = randomBytes(ID_BYTES).toString("hex");
  return { id, token: `bxc_${id}_${randomSecret()}` };
}

/** Undefined: this cannot be a token. */
export function idOfToken(text: string): string | undefined {
  return TOKEN.exec(text)?.[1];
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** Names that stand in tasks and in the audit log for whom no token has: see principal.ts, audit-entry.ts. */
const OTHERS: ReadonlySet<string> = new Set(["local", "host", "nobody", "sockets.json"]);

/** No `@`: people of an identity provider have one in their names, and no token is to be taken for one of them. */
export function isTokenName(text: string): boolean {
  return NAME.test(text) && !OTHERS.has(text.toLowerCase());
}
