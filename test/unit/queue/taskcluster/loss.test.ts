import { describe, expect, it } from "vitest";
import { Cancellation } from "../../../../src/base/errors.ts";
import { lossOf } from "../../../../src/queue/taskcluster/loss.ts";

const times = { deadlinePassed: false, leaseEnded: false };
const run = (state: string, reasonResolved?: string) => ({ state, reasonResolved, started: undefined });

describe("lossOf", () => {
  it("leaves a run alone that runs, or of which nothing is known", () => {
    expect(lossOf({ run: run("running"), ...times })).toBeUndefined();
    expect(lossOf({ run: undefined, ...times })).toBeUndefined();
  });

  it.each(["canceled", "deadline-exceeded", "claim-expired", "superseded", "worker-shutdown"])(
    "believes the queue that it is %s, whatever the clock says",
    (reason) => {
      const loss = lossOf({ run: run("exception", reason), deadlinePassed: true, leaseEnded: true });
      expect(loss).toBeInstanceOf(Cancellation);
      expect(loss).toMatchObject({ reason });
    },
  );

  it("says who else resolved it where the queue has no word for that", () => {
    const loss = lossOf({ run: run("completed", "completed"), ...times });
    expect(loss).toMatchObject({ reason: "canceled", message: "somebody else has resolved the run: completed" });
    expect(lossOf({ run: run("exception", "toString"), ...times })).toMatchObject({ reason: "canceled" });
  });

  it("goes by the clock where the queue has not decided yet: the deadline before the lease", () => {
    for (const known of [undefined, run("running")]) {
      expect(lossOf({ run: known, deadlinePassed: true, leaseEnded: true })?.reason).toBe("deadline-exceeded");
      expect(lossOf({ run: known, deadlinePassed: false, leaseEnded: true })?.reason).toBe("claim-expired");
    }
  });
});
