/** Tokens and the audit log, for people. Pure. */
import type { AuditEntry } from "../../access/audit.ts";
import type { TokenInfo } from "../../access/tokens.ts";
import { minute, table } from "../table.ts";

export function tokenTable(tokens: readonly TokenInfo[], now: Date): string {
  const rows = tokens.map(({ id, name, role, created, expires, lastUsed }) => [
    ...[id, name, role, minute(created)],
    expires === undefined ? "never" : expires <= now ? "expired" : minute(expires),
    lastUsed === undefined ? "never" : minute(lastUsed),
  ]);
  return table([["ID", "NAME", "ROLE", "CREATED", "EXPIRES", "LAST USED"], ...rows]);
}

export function describeNewToken({ id, name, role, expires }: TokenInfo, accessEnabled: boolean): string {
  const end = expires === undefined ? "it does not expire" : `it expires at ${minute(expires)} UTC`;
  const hint = accessEnabled ? "" : "\nnobody is asked for a token yet: access.enabled is false";
  return `token ${id} of ${name}, ${role}; ${end}; it is not shown again${hint}`;
}

export function auditTable(entries: readonly AuditEntry[]): string {
  const rows = entries.map(({ time, principal, via, action, target = "", address = "", outcome, details = {} }) => [
    ...[time.slice(0, 19).replace("T", " "), principal, via, action, target, address, outcome],
    Object.entries(details)
      .map(([key, value]) => `${key}=${value}`)
      .join(" "),
  ]);
  const head = ["TIME", "WHO", "VIA", "ACTION", "TARGET", "ADDRESS", "OUTCOME", "DETAILS"];
  // A terminal takes more than text, and much of this comes from outside.
  return table([head, ...rows].map((row) => row.map((cell) => cell.replaceAll(/\p{C}/gu, "?"))));
}
