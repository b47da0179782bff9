import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import type { Principal } from "../../../src/access/principal.ts";
import { type TicketRequest, Tickets } from "../../../src/access/tickets.ts";

const ann: Principal = { name: "ann", role: "operator", via: "session" };
const request: TicketRequest = { task: "T1", run: 0, kind: "display", mode: "view", principal: ann };

function setUp(options: { maxOpen?: number; maxOpenEach?: number } = {}) {
  const clock = { ms: 0 };
  return { clock, tickets: new Tickets({ now: () => new Date(clock.ms), ...options }) };
}

describe("a ticket", () => {
  it("is good for what it was issued for, once, and tells who made it", () => {
    const { tickets } = setUp();
    const { ticket, expires } = tickets.issue(request);
    expect(expires).toEqual(new Date(60_000));
    expect(ticket).toMatch(/^[\w-]{43}$/);
    expect(tickets.consume(ticket, request)).toEqual({ ...request, principal: { ...ann, via: "ticket" } });
    expect(tickets.consume(ticket, request)).toBeUndefined();
  });

  it("is good for 60 seconds, and not for 61", () => {
    const { tickets, clock } = setUp();
    const [one, other] = [tickets.issue(request), tickets.issue(request)];
    clock.ms = 59_999;
    expect(tickets.consume(one.ticket, request)).toBeDefined();
    clock.ms = 60_000;
    expect(tickets.consume(other.ticket, request)).toBeUndefined();
  });

  it.each([{ task: "T2" }, { run: 1 }, { kind: "shell" as const }])(
    "for something else than %j is used up by that",
    (change) => {
      const { tickets } = setUp();
      const { ticket } = tickets.issue(request);
      expect(tickets.consume(ticket, { ...request, ...change })).toBeUndefined();
      expect(tickets.consume(ticket, request)).toBeUndefined();
    },
  );

  it.each(["", "x", "A".repeat(43)])("cannot be guessed: %j", (guess) => {
    const { tickets } = setUp();
    tickets.issue(request);
    expect(tickets.consume(guess, request)).toBeUndefined();
  });

  it("is one of so many, of each and of all, until they are used or over", () => {
    const { tickets, clock } = setUp({ maxOpen: 3, maxOpenEach: 2 });
    const bob: Principal = { ...ann, name: "bob" };
    const first = tickets.issue(request);
    tickets.issue(request);
    expect(() => tickets.issue(request)).toThrow("too many links");
    tickets.issue({ ...request, principal: bob });
    expect(() => tickets.issue({ ...request, principal: bob })).toThrow("too many links");
    tickets.consume(first.ticket, request);
    tickets.issue({ ...request, principal: bob });
    clock.ms = 60_000;
    for (let count = 0; count < 2; count++) tickets.issue(request);
  });

  it("is not shown by what keeps it", () => {
    const { tickets } = setUp();
    const { ticket } = tickets.issue(request);
    expect(inspect(tickets, { depth: null, showHidden: true }) + JSON.stringify(tickets)).not.toContain(ticket);
  });
});
