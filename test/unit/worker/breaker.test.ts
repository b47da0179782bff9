import { describe, expect, it } from "vitest";
import {
  allowance,
  type BreakerState,
  CLOSED,
  noteClaim,
  noteHostError,
  noteNothing,
  noteSuccess,
} from "../../../src/worker/breaker.ts";

const options = { max: 3, pauseMs: 1_000, maxPauseMs: 3_000 };

function failing(times: number, from: BreakerState = CLOSED, nowMs = 0): BreakerState {
  let state = from;
  for (let i = 0; i < times; i++) state = noteHostError(state, { why: "no QEMU", wasTrial: false }, options, nowMs);
  return state;
}

const AFTER_MS = 10_000;
const onTrial = (state: BreakerState) => noteClaim(state, AFTER_MS);

describe("host errors in a row", () => {
  it("are allowed as long as they are few, or not in a row", () => {
    const twice = failing(2);
    expect(allowance(twice, 0).most).toBe(Number.POSITIVE_INFINITY);
    expect(allowance(failing(2, noteSuccess(twice, false)), 0).most).toBe(Number.POSITIVE_INFINITY);
  });

  it("make a pause, and after it one task is tried", () => {
    const open = failing(3);
    expect(allowance(open, 0)).toEqual({ most: 0, waitMs: 1_000 });
    expect(allowance(open, 1_000)).toEqual({ most: 1, waitMs: 0 });
    expect(allowance(onTrial(open), 1_000).most).toBe(0);
    expect(allowance(noteSuccess(onTrial(open), true), 1_000).most).toBe(Number.POSITIVE_INFINITY);
  });

  it("make a longer pause each time, up to a limit", () => {
    let state = failing(3);
    const pauses = [1_000, 2_000, 3_000, 3_000];
    for (const [index, pauseMs] of pauses.entries()) {
      expect(allowance(state, 0)).toEqual({ most: 0, waitMs: pauseMs });
      const failure = { why: "no QEMU", wasTrial: true };
      if (index < pauses.length - 1) state = noteHostError(onTrial(state), failure, options, 0);
    }
  });

  it("of tasks that had begun before the pause prove nothing, and neither do their successes", () => {
    const open = failing(3);
    expect(allowance(failing(2, open), 0).waitMs).toBe(1_000);
    expect(allowance(noteSuccess(open, false), 0).waitMs).toBe(1_000);
  });

  it("of tasks that had begun before the pause prove nothing either while another one is on trial", () => {
    const trial = onTrial(failing(3));
    for (const state of [failing(1, trial), noteSuccess(trial, false), noteNothing(trial, false)]) {
      expect(allowance(state, AFTER_MS)).toEqual({ most: 0, waitMs: Number.POSITIVE_INFINITY });
    }
  });

  it("are not put to the test by a task that was asked for before the pause", () => {
    const open = failing(3);
    expect(noteClaim(open, 0)).toBe(open);
    const trial = onTrial(open);
    expect(noteClaim(trial, AFTER_MS)).toBe(trial);
  });

  it("are tried again with another task where that on trial was cancelled", () => {
    expect(allowance(noteNothing(onTrial(failing(3)), true), 1_000).most).toBe(1);
  });
});
