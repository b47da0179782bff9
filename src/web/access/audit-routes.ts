/** The audit log of the worker that answers. */
import type { AuditReader } from "../../access/audit.ts";
import { integer, text } from "../api/parameters.ts";
import { defineRoute, type Route } from "../api/route.ts";

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1_000;

export function auditRoutes(audit: AuditReader): Route[] {
  return [
    defineRoute()({
      ...{ method: "GET", path: "/api/v1/audit", operation: "getAuditLog", tag: "access" },
      summary: "Who did what, the newest first",
      permission: "administer",
      query: {
        limit: integer(`Most entries; ${DEFAULT_LIMIT}, if it is left out.`, { minimum: 1, maximum: MAX_LIMIT }),
        before: text("Id of an entry: only those before it.", {
          ...{ pattern: /^[0-9a-z]{1,11}-[A-Za-z0-9_-]{8}$/, rule: "the id of an entry" },
        }),
      },
      answers: { 200: { description: "Entries.", schema: "auditEntries" } },
      handle: ({ query: { limit = DEFAULT_LIMIT, before } }) =>
        audit.read({ limit, ...(before === undefined ? {} : { before }) }),
    }),
  ];
}
