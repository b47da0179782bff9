import { describe, expect, it } from "vitest";
import type { Priority, Run, TaskState } from "../../../../src/queue/task.ts";
import type { TaskDetails } from "../../../../src/queue/task-queue.ts";
import type { WorkerEntry } from "../../../../src/queue/worker-directory.ts";
import { explainTask } from "../../../../src/web/tasks/explain-task.ts";

const at = (seconds: number) => new Date(Date.UTC(2026, 0, 1, 12, 0, seconds));

function run(facts: Partial<Run> = {}): Run {
  return { runId: 0, state: "pending", reasonCreated: "scheduled", scheduled: at(0), ...facts };
}

function task(state: TaskState, last: Partial<Run> | undefined, facts: Partial<TaskDetails> = {}): TaskDetails {
  return {
    ...{ taskId: "this-task", queue: "default", state, priority: "medium", name: undefined },
    ...{ created: at(0), deadline: at(3_600), expires: at(7_200), retriesLeft: 5, dependencies: [], waitsFor: [] },
    definition: { payload: {} },
    runs: last === undefined || state === "unscheduled" ? [] : [run({ state, ...last })],
    ...facts,
  };
}

function worker(workerId: string, status: WorkerEntry["status"], facts: Partial<WorkerEntry> = {}): WorkerEntry {
  const known = { queue: "default", version: "1", startedAt: at(0), seenAt: at(30), isAlive: true };
  return { workerId, status, ...known, ...facts };
}

describe("why a task is not scheduled", () => {
  it.each([
    [["running"], "It waits for a task to complete: t0 (running)."],
    [["running", "pending"], "It waits for 2 tasks to complete: t0 (running) and t1 (pending)."],
    [
      ["pending", "pending", "pending", "pending", "unscheduled"],
      "It waits for 5 tasks to complete: t0 (pending), t1 (pending), t2 (pending) and 2 more.",
    ],
    [
      ["pending", "failed"],
      "It waits for 2 tasks to complete, and t1 has not: run that again, or cancel this one. It waits for t0 (pending) and t1 (failed).",
    ],
  ] as const)("names what it waits for: %j", (states, sentence) => {
    const waitsFor = states.map((state, index) => ({ taskId: `t${index}`, state }));
    expect(explainTask({ task: task("unscheduled", undefined, { waitsFor }) })).toBe(sentence);
  });
});

describe("why a task is not claimed", () => {
  const waiting = (workers?: readonly WorkerEntry[], before = 0) => {
    const others = Array.from({ length: before }, (_, index) => {
      const { runs: _runs, ...other } = task("pending", {}, { taskId: `other-${index}` });
      return { ...other, runs: [run({ scheduled: at(-1) })] };
    });
    const own = task("pending", {});
    return explainTask({ task: own, workers, pending: [own, ...others] });
  };

  it.each([
    ["nothing is known", undefined, 0, 'It waits for a worker of the task queue "default".'],
    ["nothing is known", undefined, 2, 'It waits for a worker of the task queue "default", and 2 tasks are before it.'],
    [
      "there is none",
      [],
      0,
      'No worker serves the task queue "default"; start a worker whose configuration has queue.name: default.',
    ],
    [
      "all are of another queue",
      [worker("a", { state: "claiming" }, { queue: "other" })],
      0,
      'No worker serves the task queue "default"; start a worker whose configuration has queue.name: default.',
    ],
    [
      "all are silent",
      [
        worker("a", { state: "claiming" }, { isAlive: false }),
        worker("b", { state: "claiming" }, { isAlive: false, seenAt: at(45) }),
      ],
      0,
      'No worker of the task queue "default" is there any more: b was heard of last at 2026-01-01 12:00:45 UTC; start a worker whose configuration has queue.name: default.',
    ],
    [
      "one claims",
      [worker("a", { state: "full" }), worker("b", { state: "claiming" })],
      0,
      "A worker is about to claim it.",
    ],
    ["one claims", [worker("a", { state: "claiming" })], 1, "Workers claim tasks, and 1 task is before it."],
    [
      "one is full",
      [worker("a", { state: "full" })],
      3,
      "The only worker of its task queue is full, and 3 tasks are before it.",
    ],
    [
      "all are full",
      [worker("a", { state: "full" }), worker("b", { state: "full" })],
      0,
      "All 2 workers of its task queue are full.",
    ],
    [
      "all are paused",
      [worker("a", { state: "paused", why: "a new disk" }), worker("b", { state: "waiting", why: "the disk is full" })],
      0,
      "No worker claims tasks: a is paused (a new disk), b is waiting (the disk is full).",
    ],
    [
      "some are full, some paused",
      [worker("a", { state: "full" }), worker("b", { state: "draining" })],
      1,
      "No worker claims tasks: 1 of 2 is full, b is draining, and 1 task is before it.",
    ],
    ["one is of another version", [worker("a", { why: 5 })], 0, "No worker claims tasks: a is silent about itself."],
  ] as const)("says it where %s: %#", (_, workers, before, sentence) => {
    expect(waiting(workers, before)).toBe(sentence);
  });

  it("counts what is more urgent, or older", () => {
    const other = (priority: Priority, seconds: number, taskId = "other") => ({
      ...task("pending", { scheduled: at(seconds) }, { taskId, priority }),
    });
    const own = task("pending", { scheduled: at(10) });
    const pending = [own, other("highest", 50), other("medium", 5), other("medium", 15), other("low", 1)];
    const sentence = explainTask({ task: own, workers: [worker("a", { state: "full" })], pending });
    expect(sentence).toBe("The only worker of its task queue is full, and 2 tasks are before it.");
  });
});

describe("what a task that runs is at", () => {
  const own = task("running", { started: at(5), workerId: "w" });

  it("is as its run says", () => {
    const phases = [
      { name: "image", startedAt: at(6).toISOString() },
      { name: "boot", startedAt: at(9).toISOString() },
    ];
    expect(explainTask({ task: own, report: { phases, steps: [] } })).toBe(
      'It runs on the worker w since 2026-01-01 12:00:05 UTC, in the phase "boot" since 2026-01-01 12:00:09 UTC.',
    );
  });

  it("is as its worker said last, where another has it", () => {
    const running = [{ taskId: "other", runId: 0, phase: "boot" }, 5, { taskId: "this-task", runId: 0, phase: "run" }];
    const sentence = explainTask({ task: own, workers: [worker("v", { running: "none" }), worker("w", { running })] });
    expect(sentence).toBe('It runs on the worker w since 2026-01-01 12:00:05 UTC, in the phase "run".');
  });

  it("is not known without them", () => {
    expect(explainTask({ task: own })).toBe("It runs on the worker w since 2026-01-01 12:00:05 UTC.");
  });
});

describe("how a task ended", () => {
  const over = { started: at(0), resolved: at(12) };
  const steps = [
    { name: "build", exitCode: 0 },
    { name: "test", exitCode: 7 },
    { name: "report", exitCode: 1 },
  ];

  it.each([
    ["completed", {}, "It completed after 12.0 s."],
    ["failed", { exitCode: 3, message: "exit code 3" }, "Its command ended with exit code 3 after 12.0 s."],
    [
      "failed",
      { reason: "stalled", message: "it was silent for 5 min" },
      "It failed after 12.0 s: it was silent for 5 min.",
    ],
    ["failed", { reason: "guest-panic" }, "It failed after 12.0 s: guest-panic."],
    ["failed", {}, "It failed after 12.0 s."],
    [
      "exception",
      { reason: "malformed-payload", message: "The payload has 1 issue:\n  command: is missing" },
      "What it asks for cannot be run: The payload has 1 issue: command: is missing. Correct it, and submit it anew.",
    ],
    [
      "exception",
      { reason: "canceled", message: "not today" },
      "It was canceled: not today. Run it again if it is wanted after all.",
    ],
    [
      "exception",
      { reason: "claim-expired" },
      "Its worker was not heard of any more, and it had no retries left. Run it again.",
    ],
    [
      "exception",
      { reason: "superseded", message: "superseded" },
      "A newer task took its place. Nothing has to be done.",
    ],
    ["exception", { reason: "of-tomorrow" }, 'It ended with "of-tomorrow".'],
  ] as const)("%s, %j", (state, facts, sentence) => {
    expect(explainTask({ task: task(state, { ...over, ...facts }) })).toBe(sentence);
  });

  it("names the first step that failed", () => {
    const own = task("failed", { ...over, exitCode: 1 });
    expect(explainTask({ task: own, report: { phases: [], steps } })).toBe(
      'Its step "test" ended with exit code 7 after 12.0 s.',
    );
  });

  it("is short, whatever was said", () => {
    const own = task("exception", { ...over, reason: "internal-error", message: "x".repeat(100_000) });
    expect(explainTask({ task: own }).length).toBeLessThan(500);
  });
});
