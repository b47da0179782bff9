import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { claimAllowance, decideLifecycle, type LifecycleFacts } from "../../../src/worker/lifecycle.ts";

const never = { maxTasks: undefined, maxUptimeMs: undefined, idleExitMs: undefined };
const fresh: LifecycleFacts = { now: 1_000, started: 1_000, tasksClaimed: 0, idleSince: 1_000, notice: undefined };

describe("decideLifecycle", () => {
  it("goes on for ever where nothing is set, and needs not be asked again", () => {
    const facts = { ...fresh, now: 1e12, tasksClaimed: 1e9 };
    expect(decideLifecycle(never, facts)).toEqual({ action: "continue", askAgainInMs: undefined });
  });

  it("drains once all tasks it may have are claimed, also while they run", () => {
    const settings = { ...never, maxTasks: 2 };
    const facts = { ...fresh, idleSince: undefined };
    expect(decideLifecycle(settings, { ...facts, tasksClaimed: 1 }).action).toBe("continue");
    expect(decideLifecycle(settings, { ...facts, tasksClaimed: 2 })).toMatchObject({ cause: "max-tasks" });
  });

  it("drains after its time, to the millisecond, and asks to be asked then", () => {
    const settings = { ...never, maxUptimeMs: 500 };
    expect(decideLifecycle(settings, { ...fresh, now: 1_499 })).toEqual({ action: "continue", askAgainInMs: 1 });
    expect(decideLifecycle(settings, { ...fresh, now: 1_500 })).toMatchObject({ cause: "max-uptime" });
  });

  it("drains when it was idle for too long, and not while a task runs", () => {
    const settings = { ...never, idleExitMs: 100, maxUptimeMs: 10_000 };
    expect(decideLifecycle(settings, { ...fresh, now: 1_099 })).toEqual({ action: "continue", askAgainInMs: 1 });
    expect(decideLifecycle(settings, { ...fresh, now: 1_100 })).toMatchObject({ cause: "idle-exit" });
    const busy = { ...fresh, now: 5_000, idleSince: undefined };
    expect(decideLifecycle(settings, busy)).toEqual({ action: "continue", askAgainInMs: 6_000 });
  });

  it("puts the notice before everything else, and says what it said", () => {
    const facts = { ...fresh, now: 2_000, tasksClaimed: 9, notice: "at 12:00" };
    expect(decideLifecycle({ maxTasks: 1, maxUptimeMs: 1, idleExitMs: 1 }, facts)).toEqual({
      action: "drain",
      cause: "termination-notice",
      why: "the host will be taken away: at 12:00",
    });
  });

  it("never asks for a timer that would fire at once, and drains if it is asked again then", () => {
    const limit = fc.option(fc.integer({ min: 1, max: 4e11 }), { nil: undefined });
    fc.assert(
      fc.property(limit, limit, (maxUptimeMs, idleExitMs) => {
        const settings = { ...never, maxUptimeMs, idleExitMs };
        const first = decideLifecycle(settings, fresh);
        if (first.action === "drain" || first.askAgainInMs === undefined) {
          expect([maxUptimeMs, idleExitMs]).toEqual([undefined, undefined]);
          return;
        }
        expect(first.askAgainInMs).toBeGreaterThan(0);
        expect(first.askAgainInMs).toBeLessThan(2 ** 31);
        const due = Math.min(maxUptimeMs ?? Number.POSITIVE_INFINITY, idleExitMs ?? Number.POSITIVE_INFINITY);
        expect(decideLifecycle(settings, { ...fresh, now: fresh.now + due }).action).toBe("drain");
      }),
    );
  });
});

it("lets no more tasks be claimed than it may have", () => {
  expect(claimAllowance(never, 1_000)).toBe(Number.POSITIVE_INFINITY);
  expect(claimAllowance({ ...never, maxTasks: 5 }, 3)).toBe(2);
  expect(claimAllowance({ ...never, maxTasks: 5 }, 6)).toBe(0);
});
