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
  for (let i = 0; i < times; i++) state = noteHostError(state, "no QEMU", options, nowMs);
  return state;
}

describe("host errors in a row", () => {
  it("are allowed as long as they are few, or not in a row", () => {
    const twice = failing(2);
    expect(allowance(twice, 0).most).toBe(Number.POSITIVE_INFINITY);
    expect(allowance(failing(2, noteSuccess(twice)), 0).most).toBe(Number.POSITIVE_INFINITY);
  });

  it("make a pause, and after it one task is tried", () => {
    const open = failing(3);
    expect(allowance(open, 0)).toEqual({ most: 0, waitMs: 1_000 });
    expect(allowance(open, 1_000)).toEqual({ most: 1, waitMs: 0 });
    expect(allowance(noteClaim(open), 1_000).most).toBe(0);
    expect(allowance(noteSuccess(noteClaim(open)), 1_000).most).toBe(Number.POSITIVE_INFINITY);
  });

  it("make a longer pause each time, up to a limit", () => {
    let state = failing(3);
    const pauses = [1_000, 2_000, 3_000, 3_000];
    for (const [index, pauseMs] of pauses.entries()) {
      expect(allowance(state, 0)).toEqual({ most: 0, waitMs: pauseMs });
      if (index < pauses.length - 1) state = noteHostError(noteClaim(state), "no QEMU", options, 0);
    }
  });

  it("of tasks that had begun before the pause prove nothing, and neither do their successes", () => {
    const open = failing(3);
    expect(allowance(failing(2, open), 0).waitMs).toBe(1_000);
    expect(allowance(noteSuccess(open), 0).waitMs).toBe(1_000);
  });

  it("are tried again with another task where that on trial was cancelled", () => {
    expect(allowance(noteNothing(noteClaim(failing(3))), 1_000).most).toBe(1);
  });
});
