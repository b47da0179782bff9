/** One line of the audit log. Pure but for chance. */
import { randomBytes } from "node:crypto";
import type { AuditEntry, AuditEvent } from "./audit.ts";

/** Longer texts are cut: many come from outside. */
const MAX_TEXT = 300;
const MAX_DETAILS = 20;
const ID_BYTES = 6;

export function buildEntry(
  { principal, action, target, address, outcome, details }: AuditEvent,
  time: Date,
): AuditEntry {
  const known = Object.entries(details ?? {}).slice(0, MAX_DETAILS);
  return {
    id: `${time.getTime().toString(36)}-${randomBytes(ID_BYTES).toString("base64url")}`,
    time: time.toISOString(),
    principal: cut(principal?.name ?? "nobody"),
    via: principal?.via ?? "none",
    action,
    ...(target === undefined ? {} : { target: cut(target) }),
    ...(address === undefined ? {} : { address }),
    outcome,
    ...(known.length === 0 ? {} : { details: Object.fromEntries(known.map(([key, value]) => [key, cut(value)])) }),
  };
}

/** When the entry of that id was made, in ms since 1970; NaN: this is no id. */
export function timeOfId(id: string): number {
  const [, time = ""] = /^([0-9a-z]{1,11})-[A-Za-z0-9_-]{8}$/.exec(id) ?? [];
  return time === "" ? Number.NaN : Number.parseInt(time, 36);
}

/** Undefined: a crash has left a part of a line. */
export function tryParseEntry(line: string): AuditEntry | undefined {
  try {
    const entry: unknown = JSON.parse(line);
    const isEntry = typeof entry === "object" && entry !== null && "id" in entry && typeof entry.id === "string";
    return isEntry ? (entry as AuditEntry) : undefined;
  } catch {
    return undefined;
  }
}

function cut<T>(value: T): T | string {
  return typeof value === "string" && value.length > MAX_TEXT ? `${value.slice(0, MAX_TEXT)}…` : value;
}
