import { describe, expect, it } from "vitest";
import { machinesOf, readStatus } from "../../../../src/web/fleet/fleet-status.ts";

const ENTRY = { startedAt: new Date("2026-01-02T03:04:05.678Z") };
const TASK = { taskId: "a", runId: 0, phase: "run", since: "2026-01-02T04:00:00.000Z", memoryMiB: 512 };

describe("the status of a worker, as others have it", () => {
  it("is what it says, as far as it is known here", () => {
    const status = {
      ...{ state: "full", queue: "embedded", startedAt: "x", capacity: 2, network: "user", pooled: 1, newer: true },
      running: [{ ...TASK, name: "unit tests", display: true, shell: false, machine: "2 CPUs", newer: 1 }],
      finished: { total: 3, byEnd: { completed: 2, failed: 1, odd: "x" } },
    };
    expect(readStatus(status, ENTRY)).toEqual({
      ...{ state: "full", queue: "embedded", startedAt: "2026-01-02T03:04:05.678Z", capacity: 2, network: "user" },
      pooled: 1,
      running: [{ ...TASK, name: "unit tests", display: true, shell: false, machine: "2 CPUs" }],
      finished: { total: 3, byEnd: { completed: 2, failed: 1 } },
    });
  });

  it.each([
    [{}],
    [{ state: 1, running: "x", finished: null, capacity: -1, queue: {} }],
    [{ running: [null, 1, {}, { ...TASK, runId: "0" }, { ...TASK, since: "soon" }] }],
  ])("is filled in where it makes no sense: %o", (status) => {
    expect(readStatus(status, ENTRY)).toEqual({
      ...{ state: "waiting", queue: "", startedAt: "2026-01-02T03:04:05.678Z", capacity: 0, running: [] },
      finished: { total: 0, byEnd: {} },
    });
  });

  it("has machines where a run has memory, of all workers by age", () => {
    const old = { ...TASK, taskId: "b", since: "2026-01-02T03:30:00.000Z", display: true };
    const { memoryMiB: _memory, ...without } = TASK;
    const [first, second] = [
      readStatus({ running: [TASK, { ...without, taskId: "c" }, { ...TASK, taskId: "d", memoryMiB: 0 }] }, ENTRY),
      readStatus({ running: [old] }, ENTRY),
    ];
    expect(
      machinesOf([
        { workerId: "w1", status: first },
        { workerId: "w2", status: second },
      ]),
    ).toEqual([
      { ...old, workerId: "w2", shell: false },
      { ...TASK, workerId: "w1", display: false, shell: false },
    ]);
  });
});
