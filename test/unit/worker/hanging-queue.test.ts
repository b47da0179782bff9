/** What a worker does with a queue that never answers, and with a clock that is set. */
import { once } from "node:events";
import { afterEach, describe, expect, it, vi } from "vitest";
import { Cancellation, resolutionReason } from "../../../src/base/errors.ts";
import type { Resolution } from "../../../src/queue/driver.ts";
import { ClaimedRun, type RunSteps } from "../../../src/worker/claimed-run.ts";
import { FakeClaim } from "../../fakes/fake-queue.ts";

const HOUR_MS = 3_600_000;
const COMPLETED: Resolution = { kind: "completed" };
const never = <T>() => new Promise<T>(() => {});

/** A machine that runs until it is told how its command ends, or is aborted. */
class Steps implements RunSteps {
  readonly end = Promise.withResolvers<Resolution>();
  isMachineGone = false;

  async execute(signal: AbortSignal): Promise<Resolution> {
    const aborted = once(signal, "abort").then((): Resolution => {
      return { kind: "exception", reason: resolutionReason(signal.reason) };
    });
    const end = await Promise.race([this.end.promise, aborted]);
    this.isMachineGone = true;
    return end;
  }

  publish: RunSteps["publish"] = async () => undefined;

  note(): void {}
}

describe("a claimed run whose queue hangs", () => {
  it("in a renewal, gives up its machine when the lease is over", async () => {
    const [claim, steps] = [new FakeClaim({}, { leaseMs: 50 }), new Steps()];
    claim.renew = () => never();
    await expect(ClaimedRun.start(claim, steps).done).resolves.toMatchObject({ lost: { reason: "claim-expired" } });
    expect(steps.isMachineGone).toBe(true);
    expect(claim.resolutions).toEqual([]);
  });

  it("when it is told the end, is over with its lease: somebody else runs it", async () => {
    const [claim, steps] = [new FakeClaim({}, { leaseMs: 50 }), new Steps()];
    claim.renew = () => never();
    claim.resolve = () => never();
    steps.end.resolve(COMPLETED);
    await expect(ClaimedRun.start(claim, steps).done).resolves.toMatchObject({ lost: { reason: "claim-expired" } });
  });

  it("when it is given artifacts, is over with its lease", async () => {
    const [claim, steps] = [new FakeClaim({}, { leaseMs: 50 }), new Steps()];
    claim.renew = () => never();
    steps.publish = async (_resolution, signal) => {
      await once(signal, "abort");
      throw signal.reason;
    };
    steps.end.resolve(COMPLETED);
    await expect(ClaimedRun.start(claim, steps).done).resolves.toMatchObject({ lost: { reason: "claim-expired" } });
  });
});

describe("a claimed run that turns out to be somebody else's", () => {
  const lost = (claim: FakeClaim) => claim.lose("claim-expired");

  it("when it is renewed, gives up its machine", async () => {
    const [claim, steps] = [new FakeClaim({}, { leaseMs: 50 }), new Steps()];
    claim.renew = async () => lost(claim);
    await expect(ClaimedRun.start(claim, steps).done).resolves.toMatchObject({ lost: { reason: "claim-expired" } });
    expect(steps.isMachineGone).toBe(true);
  });

  it("when it hands over an artifact, tells the queue nothing", async () => {
    const [claim, steps] = [new FakeClaim({}), new Steps()];
    steps.publish = async (_resolution, signal) => {
      lost(claim);
      throw signal.reason;
    };
    steps.end.resolve(COMPLETED);
    await expect(ClaimedRun.start(claim, steps).done).resolves.toMatchObject({ lost: { reason: "claim-expired" } });
    expect(claim.resolutions).toEqual([]);
  });

  it("when it tells how it ended, is lost, not completed", async () => {
    const [claim, steps] = [new FakeClaim({}), new Steps()];
    claim.resolve = async () => lost(claim);
    steps.end.resolve(COMPLETED);
    await expect(ClaimedRun.start(claim, steps).done).resolves.toMatchObject({ lost: { reason: "claim-expired" } });
  });
});

describe.each([
  ["forward", HOUR_MS],
  ["back", -HOUR_MS],
])("a claimed run whose host has its clock set one hour %s", (_direction, jumpMs) => {
  afterEach(() => vi.useRealTimers());

  function setClock(): void {
    const nowMs = Date.now();
    vi.useFakeTimers({ toFake: ["Date"], now: nowMs + jumpMs });
  }

  it("keeps its claim", async () => {
    const [claim, steps] = [new FakeClaim({}, { leaseMs: 60 }), new Steps()];
    const renewed = Promise.withResolvers<void>();
    claim.renew = async () => {
      claim.takenUntil = new Date(Date.now() + 60);
      if (++claim.renewals === 4) renewed.resolve();
    };
    const run = ClaimedRun.start(claim, steps);
    setClock();
    await renewed.promise;
    expect([run.state, steps.isMachineGone]).toEqual(["running", false]);
    steps.end.resolve(COMPLETED);
    await expect(run.done).resolves.toEqual({ resolution: COMPLETED });
  });

  it("does not keep a claim that nobody renews", async () => {
    const [claim, steps] = [new FakeClaim({}, { leaseMs: 60 }), new Steps()];
    claim.renew = () => never();
    const run = ClaimedRun.start(claim, steps);
    setClock();
    await expect(run.done).resolves.toMatchObject({ lost: expect.any(Cancellation) });
    expect(steps.isMachineGone).toBe(true);
  });

  it("leaves it to the queue, whose clock counts, when the deadline is over", async () => {
    const claim = new FakeClaim({}, { deadlineMs: HOUR_MS / 2 });
    setClock();
    const steps = new Steps();
    const run = ClaimedRun.start(claim, steps);
    // Timers that are due come before this.
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(run.state).toBe("running");
    steps.end.resolve(COMPLETED);
    await expect(run.done).resolves.toEqual({ resolution: COMPLETED });
  });
});
