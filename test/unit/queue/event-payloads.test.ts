import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { packEvents, unpackEvents } from "../../../src/queue/postgres/event-payloads.ts";
import type { QueueEvent } from "../../../src/queue/queue-events.ts";

const event = fc.oneof(
  fc.record({
    kind: fc.constant("task" as const),
    ...{ taskId: fc.string(), state: fc.constant("pending" as const), queue: fc.string() },
    ...{ runId: fc.nat(), name: fc.string({ maxLength: 255, unit: "binary" }), time: fc.string() },
  }),
  fc.record({ kind: fc.constant("worker" as const), workerId: fc.string(), state: fc.string() }),
  fc.record({
    kind: fc.constant("machine" as const),
    ...{ workerId: fc.string(), machine: fc.string(), change: fc.constant("made" as const), state: fc.string() },
  }),
  fc.record({ kind: fc.constant("gap" as const) }),
);

describe("events in payloads", () => {
  it("come out as they went in, and no payload is too long", () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 200 }), (events) => {
        const payloads = packEvents(events);
        expect(payloads.every((payload) => Buffer.byteLength(payload) < 8_000)).toBe(true);
        expect(payloads.flatMap(unpackEvents)).toEqual(events);
      }),
      { numRuns: 50 },
    );
  });

  it("leave out what fits into none", () => {
    const long: QueueEvent = { kind: "image", workerId: "w", change: "pulled", image: "x".repeat(8_000) };
    const short: QueueEvent = { kind: "worker", workerId: "w", state: "full" };
    expect(packEvents([short, long, short]).flatMap(unpackEvents)).toEqual([short, short]);
    expect(packEvents([])).toEqual([]);
  });

  it.each([
    ...["", "x", "null", "{}", '[null, 1, "x", []]', '[{"kind": "newer"}]', '[{"kind": "toString"}]'],
    ...['[{"kind": "task", "taskId": 1}]', '[{"kind": "worker", "workerId": "w"}]'],
    '[{"kind": "phase", "taskId": "t", "phase": "run", "workerId": "w"}]',
    '[{"kind": "task", "taskId": "t", "state": "s", "queue": "q", "time": "t", "runId": "0"}]',
  ])("are none where nothing known is said: %s", (payload) => {
    expect(unpackEvents(payload)).toEqual([]);
  });
});
