import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Cancellation } from "../../../src/base/errors.ts";
import { BEGIN, type RunEvent, type RunState, transition } from "../../../src/worker/run-state.ts";

const completed = { kind: "completed" } as const;
const lost = { kind: "lost", why: new Cancellation("canceled", "somebody does not want it") } as const;
const stop = { kind: "stop", why: new Cancellation("worker-shutdown", "the worker goes home") } as const;
const failed = { kind: "exception", reason: "resource-unavailable" } as const;

function run(...events: readonly RunEvent[]) {
  let state: RunState = BEGIN;
  const effects: string[] = [];
  for (const event of events) {
    const next = transition(state, event);
    state = next.state;
    effects.push(
      ...next.effects.map((effect) => (effect.kind === "resolve" ? `resolve ${effect.resolution.kind}` : effect.kind)),
    );
  }
  return { state, effects };
}

describe("the state of a run", () => {
  it("publishes what has come of it before the queue is told", () => {
    const { state, effects } = run({ kind: "ran", resolution: completed }, { kind: "published" }, { kind: "told" });
    expect(effects).toEqual(["publish", "resolve completed"]);
    expect(state).toEqual({ kind: "over", end: { resolution: completed } });
  });

  it("waits for the end of a machine that it stops, and keeps what there is", () => {
    const shutdown = { kind: "exception", reason: "worker-shutdown" } as const;
    const { effects } = run(stop, { kind: "ran", resolution: shutdown }, { kind: "published" }, { kind: "told" });
    expect(effects).toEqual(["abort", "publish", "resolve exception"]);
  });

  it("publishes and tells nothing once the run is lost", () => {
    const { state, effects } = run(lost, stop, { kind: "ran", resolution: completed }, { kind: "published" });
    expect(effects).toEqual(["abort"]);
    expect(state).toEqual({ kind: "over", end: { lost: lost.why } });
  });

  it("is lost although it was being stopped", () => {
    expect(run(stop, lost, { kind: "ran", resolution: completed }).state).toMatchObject({ end: { lost: lost.why } });
  });

  it("gives up publishing where the worker is stopped, so that the task is run again with all its artifacts", () => {
    const { state, effects } = run({ kind: "ran", resolution: completed }, stop, { kind: "told" });
    expect(effects).toEqual(["publish", "abort", "resolve exception"]);
    expect(state).toMatchObject({ end: { resolution: { reason: "worker-shutdown" } } });
  });

  it("says that artifacts could not be kept", () => {
    const { state } = run(
      { kind: "ran", resolution: completed },
      { kind: "unpublishable", resolution: failed },
      { kind: "told" },
    );
    expect(state).toMatchObject({ end: { resolution: failed } });
  });

  it("is run again after the worker was stopped, although its artifacts could not be kept", () => {
    const shutdown = { kind: "exception", reason: "worker-shutdown" } as const;
    const unpublishable = { kind: "unpublishable", resolution: failed } as const;
    const { state } = run(stop, { kind: "ran", resolution: shutdown }, unpublishable, { kind: "told" });
    expect(state).toMatchObject({ end: { resolution: shutdown } });
  });

  const anyEvent = fc.constantFrom<RunEvent>(
    { kind: "ran", resolution: completed },
    { kind: "published" },
    { kind: "unpublishable", resolution: failed },
    { kind: "told" },
    lost,
    stop,
  );

  it("never tells the queue twice, nor after the run was lost, whatever happens in whatever order", () => {
    fc.assert(
      fc.property(fc.array(anyEvent, { maxLength: 12 }), (events) => {
        let state: RunState = BEGIN;
        let told = 0;
        let wasLost = false;
        for (const event of events) {
          const next = transition(state, event);
          const resolves = next.effects.filter(({ kind }) => kind === "resolve").length;
          const publishes = next.effects.filter(({ kind }) => kind === "publish").length;
          if (state.kind === "over") expect(next).toEqual({ state, effects: [] });
          if (wasLost) expect([resolves, publishes]).toEqual([0, 0]);
          told += resolves;
          wasLost ||= event.kind === "lost" && state.kind !== "over";
          state = next.state;
        }
        expect(told).toBeLessThanOrEqual(1);
      }),
    );
  });

  it("comes to its end from everywhere", () => {
    fc.assert(
      fc.property(fc.array(anyEvent, { maxLength: 8 }), (events) => {
        const rest: RunEvent[] = [{ kind: "ran", resolution: completed }, { kind: "published" }, { kind: "told" }];
        expect(run(...events, ...rest).state.kind).toBe("over");
      }),
    );
  });
});
