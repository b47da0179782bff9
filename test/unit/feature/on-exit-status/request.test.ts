import { describe, expect, it } from "vitest";
import { judgeRetry, purgesCaches } from "../../../../src/feature/on-exit-status/request.ts";
import type { Outcome } from "../../../../src/feature/outcome.ts";

const failed = (exitCode: number): Outcome => ({ state: "failed", reason: "command-failed", exitCode });

describe("an exit code to retry", () => {
  it("makes an exception of a task that failed with it, and keeps the code", () => {
    expect(judgeRetry(failed(75), [3, 75])).toEqual({
      state: "exception",
      reason: "intermittent-task",
      exitCode: 75,
      message: "the command ended with 75, after which the task is to be run again",
    });
  });

  it("keeps what was said of the failure", () => {
    expect(judgeRetry({ ...failed(1), message: "the disk had errors" }, [1]).message).toMatch(
      /again\nthe disk had errors$/,
    );
  });

  it.each<[string, Outcome]>([
    ["another exit code", failed(1)],
    ["no exit code", { state: "failed", reason: "max-run-time-exceeded", message: "too long" }],
    ["an exception", { state: "exception", reason: "canceled", exitCode: 75 }],
    ["success", { state: "completed", exitCode: 0 }],
  ])("changes nothing about %s", (_, outcome) => {
    expect(judgeRetry(outcome, [75])).toBe(outcome);
  });
});

describe("an exit code to purge caches", () => {
  const request = { retry: [75], purgeCaches: [75, 137] };

  it("counts for the run that failed with it, and for the one that is to be run again", () => {
    expect(purgesCaches(failed(137), request)).toBe(true);
    expect(purgesCaches(judgeRetry(failed(75), request.retry), request)).toBe(true);
  });

  it("is none where the command ended otherwise, or never", () => {
    expect(purgesCaches(failed(1), request)).toBe(false);
    expect(purgesCaches({ state: "failed", reason: "stalled" }, request)).toBe(false);
  });
});
