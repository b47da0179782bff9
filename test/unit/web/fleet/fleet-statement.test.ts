import { randomBytes } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { SignJWT, UnsecuredJWT } from "jose";
import { describe, expect, it } from "vitest";
import type { Principal } from "../../../../src/access/principal.ts";
import { FLEET_HEADER } from "../../../../src/web/fleet/fleet-headers.ts";
import { FleetVerifier, type StatementOptions, signStatement } from "../../../../src/web/fleet/fleet-statement.ts";

const key = new Uint8Array(randomBytes(32));
const NOW = new Date("2026-01-02T03:04:05.000Z");
const JANE: Principal = { name: "jane@example.org", role: "operator", via: "session" };
const ASKED = { method: "POST", path: "/api/v1/tasks/a/runs/0/keep?x=1" };
const GOOD: StatementOptions = { key, from: "worker-1", to: "worker-2", principal: JANE, ...ASKED, now: NOW };

function verifier(atMs = 0): FleetVerifier {
  return new FleetVerifier({ key: async () => key, workerId: "worker-2", now: () => new Date(NOW.getTime() + atMs) });
}

function requestWith(statement: string | undefined, { method, path }: typeof ASKED = ASKED): IncomingMessage {
  const headers = statement === undefined ? {} : { [FLEET_HEADER]: statement };
  return { method, url: path, headers } as unknown as IncomingMessage;
}

const REFUSED = { status: 401, code: "fleet-statement-refused" };

describe("a statement of another worker", () => {
  it("says who asks, and how that is known", async () => {
    const statement = await signStatement({ ...GOOD, address: "10.0.0.1" });
    expect(await verifier().verifyFleetRequest(requestWith(statement))).toEqual({
      ...{ principal: { name: "jane@example.org", role: "operator", via: "worker" }, knownVia: "session" },
      ...{ from: "worker-1", address: "10.0.0.1" },
    });
  });

  it("can say that nobody has logged in", async () => {
    const statement = await signStatement({ ...GOOD, principal: undefined });
    const passed = await verifier().verifyFleetRequest(requestWith(statement));
    expect(passed).toMatchObject({ principal: undefined, from: "worker-1" });
  });

  it("is not there in a request of a client", async () => {
    expect(await verifier().verifyFleetRequest(requestWith(undefined))).toBeUndefined();
  });

  it.each([
    ["of another key", { key: new Uint8Array(randomBytes(32)) }, REFUSED],
    ["for another worker", { to: "worker-3" }, { status: 421, code: "wrong-worker" }],
    ["about another method", { method: "GET" }, REFUSED],
    ["about another path", { path: "/api/v1/tasks/a/runs/1/keep?x=1" }, REFUSED],
    ["about another query", { path: "/api/v1/tasks/a/runs/0/keep?x=2" }, REFUSED],
    ["of a role that there is not", { principal: { ...JANE, role: "god" as "admin" } }, REFUSED],
    ["from long ago", { now: new Date(NOW.getTime() - 46_000) }, REFUSED],
    ["from what is to come", { now: new Date(NOW.getTime() + 16_000) }, REFUSED],
  ])("is refused %s", async (_, change, error) => {
    const statement = await signStatement({ ...GOOD, ...change });
    await expect(verifier().verifyFleetRequest(requestWith(statement))).rejects.toMatchObject(error);
  });

  it("is refused where it is not signed as it must be, or something else", async () => {
    const claims = { ...{ sub: "eve", role: "admin", iss: "worker-1", aud: "worker-2", jti: "1" }, htm: "POST" };
    const unsigned = new UnsecuredJWT({ ...claims, htu: ASKED.path }).setIssuedAt().setExpirationTime("30 s").encode();
    const other = await new SignJWT({ ...claims, htu: ASKED.path })
      .setProtectedHeader({ alg: "HS512" })
      .setIssuedAt()
      .setExpirationTime("30 s")
      .sign(new Uint8Array(randomBytes(64)));
    const eternal = await new SignJWT({ ...claims, htu: ASKED.path }).setProtectedHeader({ alg: "HS256" }).sign(key);
    const [head, body, end] = (await signStatement(GOOD)).split(".");
    const changed = `${head}.${Buffer.from('{"sub":"eve"}').toString("base64url")}.${end}`;
    for (const statement of [unsigned, other, eternal, changed, `${head}.${body}.`, "", "x", "x".repeat(5_000)]) {
      await expect(verifier().verifyFleetRequest(requestWith(statement))).rejects.toMatchObject(REFUSED);
    }
  });

  it("is good once, for as long as it would be good", async () => {
    let atMs = 0;
    const now = () => new Date(NOW.getTime() + atMs);
    const one = new FleetVerifier({ key: async () => key, workerId: "worker-2", now });
    const statement = await signStatement(GOOD);
    await one.verifyFleetRequest(requestWith(statement));
    for (atMs of [0, 29_000, 44_000]) {
      await expect(one.verifyFleetRequest(requestWith(statement))).rejects.toMatchObject(REFUSED);
    }
    await expect(
      one.verifyFleetRequest(requestWith(await signStatement({ ...GOOD, now: now() }))),
    ).resolves.toBeDefined();
  });
});
