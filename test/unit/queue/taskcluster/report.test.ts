import { describe, expect, it } from "vitest";
import { reportOf } from "../../../../src/queue/taskcluster/report.ts";

describe("reportOf", () => {
  it("reports what the queue cannot know", () => {
    expect(reportOf({ kind: "completed" })).toEqual({ kind: "completed", reason: "completed" });
    expect(reportOf({ kind: "failed", exitCode: 3, message: "no" })).toEqual({ kind: "failed", reason: "failed" });
    for (const reason of ["worker-shutdown", "intermittent-task", "superseded", "malformed-payload"] as const) {
      expect(reportOf({ kind: "exception", reason, message: "x" })).toEqual({ kind: "exception", reason });
    }
  });

  it("reports nothing that the queue decides itself", () => {
    for (const reason of ["canceled", "deadline-exceeded", "claim-expired"] as const) {
      expect(reportOf({ kind: "exception", reason })).toBeUndefined();
    }
  });
});
