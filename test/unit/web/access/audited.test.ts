import { expect, it } from "vitest";
import type { AuditEvent } from "../../../../src/access/audit.ts";
import type { Principal } from "../../../../src/access/principal.ts";
import { auditRequests, noteForAudit } from "../../../../src/web/access/audited.ts";
import { defineRoute } from "../../../../src/web/api/route.ts";

type Observe = ReturnType<typeof auditRequests>;
type AskedBy = Parameters<Observe>[3];

const ann: Principal = { name: "ann", role: "viewer", via: "session" };

function routeOf(method: "GET" | "POST", audited?: boolean) {
  return defineRoute()({
    ...{ method, path: "/api/v1/tasks", operation: "submitTask", summary: "", tag: "tasks", permission: "submit" },
    ...{ answers: {}, handle: () => undefined, ...(audited === undefined ? {} : { audited }) },
  });
}

function setUp(principal: Principal | undefined = ann) {
  const events: AuditEvent[] = [];
  const authenticator = { principalOf: () => principal, addressOf: () => "192.0.2.1" };
  const observe = auditRequests({ audit: { record: (event) => void events.push(event) }, authenticator });
  const tell = (route: ReturnType<typeof routeOf>, status: number, request = { path: "/api/v1/tasks" } as AskedBy) =>
    observe(route, undefined, { status, durationMs: 1 }, request);
  return { events, tell };
}

it.each([
  ["POST", undefined, 201, "ok"],
  ["POST", undefined, 409, "refused"],
  ["POST", undefined, 503, "failed"],
  ["POST", false, 403, "refused"],
  ["GET", undefined, 403, "refused"],
  ["GET", true, 200, "ok"],
] as const)(
  "of a %s (audited: %s) that was answered with %s it is kept that it was %s",
  (method, audited, status, outcome) => {
    const { events, tell } = setUp();
    tell(routeOf(method, audited), status);
    const kept = {
      principal: ann,
      action: "submitTask",
      target: "tasks",
      outcome,
      address: "192.0.2.1",
      details: { status },
    };
    expect(events).toEqual([kept]);
  },
);

it("of what only looks nothing is kept, nor of who is nobody", () => {
  const { events, tell } = setUp();
  for (const status of [200, 404, 500]) tell(routeOf("GET"), status);
  tell(routeOf("POST", false), 200);
  expect(events).toEqual([]);
  const nobody = { events: [] as AuditEvent[] };
  const authenticator = { principalOf: () => undefined, addressOf: () => undefined };
  const observe = auditRequests({ audit: { record: (event) => void nobody.events.push(event) }, authenticator });
  observe(routeOf("POST"), undefined, { status: 401, durationMs: 1 }, { path: "/" } as AskedBy);
  expect(nobody.events).toEqual([]);
});

it("who answers may say more", () => {
  const { events, tell } = setUp();
  const request = { path: "/api/v1/tasks" } as AskedBy;
  noteForAudit(request, { target: "tasks/T", details: { copyOf: "U" } });
  tell(routeOf("POST"), 201, request);
  expect(events).toMatchObject([{ target: "tasks/T", details: { copyOf: "U", status: 201 } }]);
});

it("who is refused again and again does not wash away what others did", () => {
  const { events, tell } = setUp();
  for (let count = 0; count < 1_000; count++) tell(routeOf("POST"), 403);
  expect(events.length).toBeGreaterThanOrEqual(100);
  expect(events.length).toBeLessThan(200);
  tell(routeOf("POST"), 201);
  expect(events.at(-1)).toMatchObject({ outcome: "ok" });
});
