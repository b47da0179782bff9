import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { VmRecord } from "../../../src/generated/vm-record.ts";
import { formatRecord, parseRecord } from "../../../src/hypervisor/record.ts";
import {
  advanceRecord,
  apparentState,
  decide,
  isLive,
  nextState,
  repair,
  type VmAction,
  type VmOccurrence,
  type VmState,
} from "../../../src/hypervisor/states.ts";
import { draftRecord } from "./records.ts";

const STATES: readonly VmState[] = ["creating", "created", "running", "paused", "stopped", "error"];
const OCCURRENCES: readonly VmOccurrence[] = ["made", "started", "paused", "resumed", "ended", "failed"];
const ACTIONS: readonly VmAction[] = ["start", "stop", "pause", "resume", "remove", "use", "capture"];
const now = new Date("2026-11-21T12:00:00Z");
const owner = { pid: 1, startTime: 2, bootId: "0".repeat(36) };
const process = { supervisor: owner, accelerator: "tcg" as const, forwards: [] };

const state = fc.constantFrom(...STATES);
const occurrences = fc.array(fc.constantFrom(...OCCURRENCES), { maxLength: 30 });

describe("the states of a machine", () => {
  it("go from one to the next as things happen", () => {
    const happened = ["made", "started", "paused", "resumed", "ended", "started", "failed", "started"] as const;
    const walk: VmState[] = ["creating"];
    for (const occurrence of happened) walk.push(nextState(walk.at(-1) as VmState, occurrence) as VmState);
    expect(walk).toEqual([
      ...["creating", "created", "running", "paused", "running", "stopped", "running", "error", "running"],
    ]);
  });

  it("have a process exactly while they are live, whatever happens", () => {
    fc.assert(
      fc.property(occurrences, (happened) => {
        let record: VmRecord = draftRecord({ state: "creating" });
        for (const occurrence of happened) {
          if (nextState(record.state, occurrence) === undefined) {
            expect(() => advanceRecord(record, occurrence, { now })).toThrow(/cannot be/);
            continue;
          }
          record = advanceRecord({ ...record, process }, occurrence, { now });
          expect(record.process !== undefined).toBe(isLive(record.state));
          expect(parseRecord(formatRecord(record), record.id)).toEqual(record);
        }
      }),
    );
  });

  it("count the starts, and forget the reason of before", () => {
    const stopped = advanceRecord(draftRecord({ state: "running", process }), "ended", {
      now,
      reason: "it was stopped",
    });
    expect(stopped).toMatchObject({ state: "stopped", reason: "it was stopped", starts: 0 });
    const started = advanceRecord(stopped, "started", { now });
    expect(started).toMatchObject({ state: "running", starts: 1, started: now.toISOString() });
    expect(started.reason).toBeUndefined();
  });

  it("are not believed where the process is gone", () => {
    fc.assert(
      fc.property(state, fc.boolean(), (of, isAlive) => {
        const seen = apparentState({ state: of }, isAlive);
        expect(isLive(seen) && !isAlive).toBe(false);
        if (isAlive || !isLive(of)) expect(seen).toBe(of);
      }),
    );
  });

  it("are put right once, and then stay", () => {
    fc.assert(
      fc.property(state, fc.boolean(), (of, removing) => {
        const what = repair(draftRecord({ state: of, removing, process }), now);
        if (what.kind !== "write") return;
        expect(what.record.state).toBe("stopped");
        expect(what.record.reason).toMatch(/killed/);
        expect(repair(what.record, now).kind).toBe("none");
      }),
    );
    expect(repair(draftRecord({ state: "creating" }), now).kind).toBe("remove");
    expect(repair(draftRecord({ state: "stopped", removing: true }), now).kind).toBe("remove");
  });
});

describe("what somebody wants of a machine", () => {
  it("leads where it says, or is refused with what to do", () => {
    fc.assert(
      fc.property(state, fc.constantFrom(...ACTIONS), (of, action) => {
        const decision = decide(action, of, "web");
        if (decision.kind === "refuse") expect(decision.why).toMatch(/^web is /);
        if (decision.kind !== "go") return;
        const leads: Partial<Record<VmAction, VmOccurrence>> = {
          start: "started",
          stop: "ended",
          pause: "paused",
          resume: "resumed",
        };
        const occurrence = leads[action];
        if (occurrence !== undefined) expect(nextState(of, occurrence)).toBeDefined();
      }),
    );
  });

  it("is nothing where it is so already", () => {
    expect(decide("start", "running", "web").kind).toBe("nothing");
    expect(decide("stop", "stopped", "web").kind).toBe("nothing");
    expect(decide("pause", "paused", "web").kind).toBe("nothing");
    expect(decide("resume", "running", "web").kind).toBe("nothing");
    expect(decide("remove", "running", "web")).toMatchObject({
      kind: "refuse",
      why: expect.stringContaining("--force"),
    });
  });
});
