/** Tokens and sessions as they stand in files. Pure. */
import { WorkerError } from "../base/errors.ts";
import { type Role, tryParseRole } from "./role.ts";
import type { SessionRecord } from "./session-store.ts";
import type { TokenRecord } from "./token-store.ts";

/** A file, and when it was touched last. */
export interface RecordText {
  readonly path: string;
  readonly text: string;
  readonly modified: Date;
}

/** @throws {WorkerError} `access-broken` */
export function parseTokenFile({ path, text, modified }: RecordText): TokenRecord {
  return reading(path, text, (field) => {
    const created = field.date("created");
    return {
      ...{ id: field.text("id"), name: field.text("name"), role: field.role("role"), hash: field.text("hash") },
      ...{ created, expires: field.isSet("expires") ? field.date("expires") : undefined },
      // Times of files may have less than a millisecond, or more.
      lastUsed: modified.getTime() - created.getTime() > 1 ? modified : undefined,
    };
  });
}

/** @throws {WorkerError} `access-broken` */
export function parseSessionFile({ path, text }: RecordText): SessionRecord {
  return reading(path, text, (field) => ({
    ...{ hash: field.text("hash"), name: field.text("name"), role: field.role("role") },
    tokenId: field.isSet("tokenId") ? field.text("tokenId") : undefined,
    ...{ created: field.date("created"), expires: field.date("expires") },
  }));
}

interface Fields {
  isSet(key: string): boolean;
  text(key: string): string;
  date(key: string): Date;
  role(key: string): Role;
}

function reading<T>(path: string, text: string, read: (fields: Fields) => T): T {
  try {
    return read(fieldsOf(JSON.parse(text)));
  } catch (cause) {
    const message = `${path} is no token or session of Boxcar; remove it, and make a new one`;
    throw new WorkerError(message, { code: "access-broken", blame: "host", cause });
  }
}

function fieldsOf(data: unknown): Fields {
  const record = new Map(Object.entries(typeof data === "object" && data !== null ? data : {}) as [string, unknown][]);
  const text = (key: string) => {
    const value = record.get(key);
    if (typeof value !== "string") throw new TypeError(`${key} is no text`);
    return value;
  };
  return {
    isSet: (key) => record.get(key) !== undefined,
    text,
    date: (key) => {
      const date = new Date(text(key));
      if (Number.isNaN(date.getTime())) throw new TypeError(`${key} is no time`);
      return date;
    },
    role: (key) => {
      const role = tryParseRole(text(key));
      if (role === undefined) throw new TypeError(`${key} is no role`);
      return role;
    },
  };
}
