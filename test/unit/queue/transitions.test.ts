import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ExceptionReason } from "../../../src/base/errors.ts";
import {
  claim,
  currentRun,
  dueOf,
  end,
  giveBack,
  isResolved,
  overdue,
  renew,
  rerun,
  resolve,
  schedule,
  type TaskCore,
} from "../../../src/queue/transitions.ts";

const START_MS = Date.UTC(2026, 0, 1);
const LEASE_MS = 120_000;
const RETRIES = 3;

const at = (ms: number) => new Date(START_MS + ms);

function newTask(change: Partial<TaskCore> = {}): TaskCore {
  const times = { deadline: at(3_600_000), expires: at(7_200_000) };
  return { state: "unscheduled", retriesLeft: RETRIES, runs: [], ...times, ...change };
}

const taken = (ms: number) =>
  claim(schedule(newTask(), at(0)), { workerId: "w", takenUntil: at(ms + LEASE_MS) }, at(ms));

type Step = (core: TaskCore, now: Date) => TaskCore | undefined;

const REASONS: readonly ExceptionReason[] = [
  "malformed-payload",
  "internal-error",
  "worker-shutdown",
  "intermittent-task",
];

const STEPS: Readonly<Record<string, Step>> = {
  schedule,
  claim: (core, now) => claim(core, { workerId: "w", takenUntil: new Date(now.getTime() + LEASE_MS) }, now),
  renew: (core, now) => renew(core, new Date(now.getTime() + LEASE_MS)),
  giveBack,
  complete: (core, now) => resolve(core, { kind: "completed" }, now),
  fail: (core, now) => resolve(core, { kind: "failed", exitCode: 1 }, now),
  ...Object.fromEntries(
    REASONS.map((reason) => [reason, (core: TaskCore, now: Date) => resolve(core, { kind: "exception", reason }, now)]),
  ),
  cancel: (core, now) => end(core, "canceled", undefined, now),
  supersede: (core, now) => end(core, "superseded", "newer", now),
  rerun: (core, now) => rerun(core, RETRIES, now),
  time: overdue,
};

describe("a task", () => {
  it("keeps what is true of all tasks, whatever happens to it in whatever order", () => {
    const history = fc.array(fc.tuple(fc.constantFrom(...Object.keys(STEPS)), fc.nat(200_000)), { maxLength: 60 });
    fc.assert(
      fc.property(history, (steps) => {
        let core = newTask();
        let ms = 0;
        for (const [name, laterMs] of steps) {
          ms += laterMs;
          const next = STEPS[name]?.(core, at(ms));
          if (next === undefined) {
            expect(isResolved(core) && core.expires <= at(ms)).toBe(true);
            return;
          }
          expectSound(core, next);
          core = next;
        }
      }),
      { numRuns: 500 },
    );
  });

  it("is as time makes it at the latest when it is due, and not before", () => {
    const core = taken(0);
    expect(dueOf(core)).toEqual(at(LEASE_MS));
    expect(overdue(core, at(LEASE_MS - 1))).toBe(core);
    expect(overdue(core, at(LEASE_MS))).toMatchObject({ state: "pending", retriesLeft: RETRIES - 1 });
    const pending = schedule(newTask(), at(0));
    expect(overdue(pending, at(3_599_999))).toBe(pending);
    const over = overdue(pending, at(3_600_000));
    expect(over).toMatchObject({ state: "exception", runs: [{ reason: "deadline-exceeded" }] });
    expect(over && overdue(over, at(7_199_999))).toBe(over);
    expect(over && overdue(over, at(7_200_000))).toBeUndefined();
  });

  it("ends at its deadline also where its lease is over at the same time", () => {
    const core = { ...taken(0), deadline: at(LEASE_MS) };
    expect(overdue(core, at(LEASE_MS))).toMatchObject({ state: "exception", runs: [{ reason: "deadline-exceeded" }] });
  });

  it("is run again as often as it has retries, and no more", () => {
    let core = newTask();
    core = schedule(core, at(0));
    for (let count = 0; count <= RETRIES; count++) {
      expect(core.state).toBe("pending");
      core = claim(core, { workerId: "w", takenUntil: at(1) }, at(0));
      core = resolve(core, { kind: "exception", reason: "worker-shutdown" }, at(0));
    }
    expect(core).toMatchObject({ state: "exception", retriesLeft: 0 });
    expect(core.runs).toHaveLength(RETRIES + 1);
  });

  it("costs no retry and no run to be given back", () => {
    const core = giveBack(taken(0));
    expect(core).toEqual(schedule(newTask(), at(0)));
  });

  it("gets a run that says why it ended, if it never had one", () => {
    expect(end(newTask(), "canceled", "not needed", at(5)).runs).toEqual([
      {
        ...{ runId: 0, state: "exception", reasonCreated: "exception", reason: "canceled", message: "not needed" },
        ...{ scheduled: at(5), resolved: at(5) },
      },
    ]);
  });
});

function expectSound(before: TaskCore, after: TaskCore): void {
  const last = currentRun(after);
  expect(after.runs.map(({ runId }) => runId)).toEqual(after.runs.map((_, index) => index));
  expect(after.state).toBe(last?.state ?? "unscheduled");
  expect(after.retriesLeft).toBeGreaterThanOrEqual(0);
  for (const run of after.runs) {
    const isOver = run.state !== "pending" && run.state !== "running";
    expect(run.resolved !== undefined).toBe(isOver);
    expect(isOver || run === last).toBe(true);
    expect(run.takenUntil !== undefined).toBe(run.state === "running");
  }
  // What is resolved stays as it was said.
  const over = before.runs.filter(({ resolved }) => resolved !== undefined);
  expect(after.runs.slice(0, over.length)).toEqual(over);
  expect(after.runs.length).toBeGreaterThanOrEqual(before.runs.length);
}
