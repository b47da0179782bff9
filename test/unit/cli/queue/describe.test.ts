import { describe, expect, it } from "vitest";
import { describeTask } from "../../../../src/cli/queue/describe.ts";
import type { TaskDetails } from "../../../../src/queue/task-queue.ts";

const NOW = new Date("2026-01-02T03:04:05.678Z");
const TASK: TaskDetails = {
  ...{ taskId: "a".repeat(22), queue: "default", state: "pending", priority: "medium", name: "unit tests" },
  ...{ created: NOW, deadline: NOW, expires: NOW, retriesLeft: 5, dependencies: [], waitsFor: [], runs: [] },
  definition: { payload: { command: ["true"] } },
};

describe("a task as people read it", () => {
  it("says who submitted it, where that is known", () => {
    expect(describeTask({ ...TASK, submitter: "jane@example.org" })).toMatch(/^submitted by +jane@example\.org$/m);
    expect(describeTask(TASK)).not.toContain("submitted by");
  });
});
