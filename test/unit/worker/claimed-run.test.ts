import { once } from "node:events";
import { afterEach, describe, expect, it, vi } from "vitest";
import { Cancellation, resolutionReason } from "../../../src/base/errors.ts";
import type { Resolution } from "../../../src/queue/driver.ts";
import { QueueError } from "../../../src/queue/errors.ts";
import { ClaimedRun, type RunSteps } from "../../../src/worker/claimed-run.ts";
import { FakeClaim, unreachable } from "../../fakes/fake-queue.ts";

const COMPLETED: Resolution = { kind: "completed" };

/** A machine that runs until it is told how its command ends, or is aborted. */
class Steps implements RunSteps {
  readonly end = Promise.withResolvers<Resolution>();
  readonly notes: string[] = [];
  readonly happened: string[] = [];
  publishing: (signal: AbortSignal) => Promise<Resolution | undefined> = async () => undefined;

  async execute(signal: AbortSignal): Promise<Resolution> {
    const aborted = once(signal, "abort").then((): Resolution => {
      return { kind: "exception", reason: resolutionReason(signal.reason) };
    });
    const end = await Promise.race([this.end.promise, aborted]);
    this.happened.push("machine gone");
    return end;
  }

  async publish(resolution: Resolution, signal: AbortSignal): Promise<Resolution | undefined> {
    this.happened.push(`published ${resolution.kind}`);
    return this.publishing(signal);
  }

  note(text: string): void {
    this.notes.push(text);
  }
}

describe("a claimed run", () => {
  afterEach(() => vi.useRealTimers());

  it("is run, published and told, in this order and once", async () => {
    const [claim, steps] = [new FakeClaim({}), new Steps()];
    const run = ClaimedRun.start(claim, steps);
    steps.end.resolve(COMPLETED);
    await expect(run.done).resolves.toEqual({ resolution: COMPLETED });
    expect(steps.happened).toEqual(["machine gone", "published completed"]);
    expect(claim.resolutions).toEqual([COMPLETED]);
  });

  it.each(["canceled", "superseded", "claim-expired", "deadline-exceeded"] as const)(
    "ends its machine when the queue says %s, and publishes nothing more",
    async (reason) => {
      const [claim, steps] = [new FakeClaim({}), new Steps()];
      const run = ClaimedRun.start(claim, steps);
      claim.lose(reason);
      await expect(run.done).resolves.toMatchObject({ lost: { reason } });
      expect(steps.happened).toEqual(["machine gone"]);
      expect(claim.resolutions).toEqual([]);
    },
  );

  it("is over only when what was being published has let go of it", async () => {
    const [claim, steps] = [new FakeClaim({}), new Steps()];
    const uploading = Promise.withResolvers<void>();
    steps.publishing = async (signal) => {
      uploading.resolve();
      await once(signal, "abort");
      steps.happened.push("upload aborted");
      throw signal.reason;
    };
    const run = ClaimedRun.start(claim, steps);
    steps.end.resolve(COMPLETED);
    await uploading.promise;
    claim.lose("canceled");
    await run.done;
    expect(steps.happened.at(-1)).toBe("upload aborted");
    expect(claim.resolutions).toEqual([]);
  });

  it("tells the queue until it listens", async () => {
    const [claim, steps] = [new FakeClaim({}), new Steps()];
    claim.refusals.push(unreachable(), unreachable());
    const run = ClaimedRun.start(claim, steps);
    steps.end.resolve(COMPLETED);
    await run.done;
    expect(claim.resolutions).toEqual([COMPLETED]);
    expect(steps.notes).toHaveLength(2);
  });

  it("gives up telling a queue that refuses to hear it", async () => {
    const [claim, steps] = [new FakeClaim({}), new Steps()];
    const refused = new QueueError("refused", "this is not allowed", { blame: "host" });
    claim.refusals.push(refused, unreachable(), refused, refused);
    const run = ClaimedRun.start(claim, steps);
    steps.end.resolve(COMPLETED);
    await expect(run.done).resolves.toMatchObject({ lost: { reason: "claim-expired" } });
    expect([claim.refusals, claim.resolutions]).toEqual([[], []]);
  });

  it("renews its claim while it runs", async () => {
    const [claim, steps] = [new FakeClaim({}, { leaseMs: 30 }), new Steps()];
    const renewed = Promise.withResolvers<void>();
    claim.renew = async () => {
      claim.takenUntil = new Date(Date.now() + 30);
      if (++claim.renewals === 5) renewed.resolve();
    };
    const run = ClaimedRun.start(claim, steps);
    await renewed.promise;
    steps.end.resolve(COMPLETED);
    await expect(run.done).resolves.toEqual({ resolution: COMPLETED });
  });

  it("stops when its claim could not be renewed in time, and lets somebody else run it", async () => {
    const [claim, steps] = [new FakeClaim({}, { leaseMs: 50 }), new Steps()];
    claim.renew = async () => {
      claim.renewals++;
      throw unreachable();
    };
    await expect(ClaimedRun.start(claim, steps).done).resolves.toMatchObject({ lost: { reason: "claim-expired" } });
    expect(claim.renewals).toBeGreaterThan(1);
    expect(steps.happened).toEqual(["machine gone"]);
    expect(claim.resolutions).toEqual([]);
  });

  it("is stopped by its worker while it runs, and while it publishes", async () => {
    for (const publishing of [false, true]) {
      const [claim, steps] = [new FakeClaim({}), new Steps()];
      const uploading = Promise.withResolvers<void>();
      steps.publishing = async (signal) => {
        if (!publishing) return undefined;
        uploading.resolve();
        await once(signal, "abort");
        throw signal.reason;
      };
      const run = ClaimedRun.start(claim, steps);
      if (publishing) {
        steps.end.resolve(COMPLETED);
        await uploading.promise;
      }
      run.stop(new Cancellation("worker-shutdown", "the worker goes home"));
      await run.done;
      expect(claim.resolutions).toEqual([expect.objectContaining({ reason: "worker-shutdown" })]);
    }
  });

  it("does not publish for long once it was stopped", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout"] });
    const [claim, steps] = [new FakeClaim({}), new Steps()];
    const uploading = Promise.withResolvers<void>();
    steps.publishing = async (signal) => {
      uploading.resolve();
      await once(signal, "abort");
      throw signal.reason;
    };
    const run = ClaimedRun.start(claim, steps);
    run.stop(new Cancellation("worker-shutdown", "the worker goes home"));
    await uploading.promise;
    vi.runAllTimers();
    await run.done;
    expect(claim.resolutions).toEqual([expect.objectContaining({ reason: "worker-shutdown" })]);
  });

  it("is an internal error where the worker itself fails", async () => {
    const [claim, steps] = [new FakeClaim({}), new Steps()];
    steps.end.reject(new Error("a bug"));
    await ClaimedRun.start(claim, steps).done;
    expect(claim.resolutions).toEqual([{ kind: "exception", reason: "internal-error", message: "a bug" }]);
  });
});
