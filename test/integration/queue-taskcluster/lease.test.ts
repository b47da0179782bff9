import { describe, expect, it } from "vitest";
import { Cancellation } from "../../../src/base/errors.ts";
import { lastRun } from "../../fakes/fake-taskcluster-tasks.ts";
import { Deployment, failureOf, lossOf, never } from "./harness.ts";

describe("the lease on a run of Taskcluster", () => {
  it("uses the credentials of the newest reclaim for everything that follows", async () => {
    await using deployment = await Deployment.start({ onlyNewestCredentials: true });
    const { fake } = deployment;
    const { task, claim } = await deployment.claimed();
    for (let i = 0; i < 3; i++) {
      const before = claim.takenUntil;
      await claim.renew();
      expect(claim.takenUntil.getTime()).toBeGreaterThan(before.getTime());
    }
    await claim.artifacts.putFile(await deployment.file("public/a.txt", Buffer.from("a")), never);
    await claim.resolve({ kind: "completed" });
    expect(task.runs[0]?.state).toBe("completed");
    const users = new Set(fake.requests.filter(({ call }) => call !== "put").map(({ clientId }) => clientId));
    expect(users.size).toBe(5);
  });

  it("keeps a run longer than one lease, as long as it is renewed", async () => {
    await using deployment = await Deployment.start({ leaseMs: 400 });
    const { claim } = await deployment.claimed();
    deployment.fake.setLease(60_000);
    await claim.renew();
    expect(claim.takenUntil.getTime() - Date.now()).toBeGreaterThan(30_000);
    await deployment.queue.claim(1, never);
    await deployment.queue.claim(1, never);
    expect(claim.lost.aborted).toBe(false);
  });

  it("loses a run whose lease has ended, though the queue cannot be asked, and somebody else gets it", async () => {
    await using deployment = await Deployment.start({ leaseMs: 200, longPollMs: 60_000 });
    const { fake, queue } = deployment;
    const { task, claim } = await deployment.claimed();
    fake.fail("reclaimTask", { kind: "status", status: 503 }, 100);
    expect(await failureOf(claim.renew())).toMatchObject({ code: "queue-unavailable", blame: "upstream" });
    expect(await lossOf(claim)).toMatchObject({ reason: "claim-expired" });
    const [again] = await queue.claim(1, never);
    expect(again?.task).toMatchObject({ taskId: task.taskId, runId: 1 });
    await claim.resolve({ kind: "completed" });
    await claim.renew();
    expect(fake.seen("reportCompleted")).toHaveLength(0);
  });

  it.each(["canceled", "deadline-exceeded", "superseded"] as const)(
    "learns from the refusal to renew that it is %s",
    async (reason) => {
      await using deployment = await Deployment.start();
      const { task, claim } = await deployment.claimed();
      deployment.fake.tasks.end(task, reason);
      await claim.renew();
      expect(claim.lost.reason).toBeInstanceOf(Cancellation);
      expect(claim.lost.reason).toMatchObject({ reason });
    },
  );

  it("learns from the refusal to renew that the queue ended the lease, and that the task is gone", async () => {
    await using deployment = await Deployment.start();
    const { fake } = deployment;
    const first = await deployment.claimed({ retries: 0 });
    fake.tasks.resolve(first.task, lastRun(first.task), "exception", "claim-expired");
    await first.claim.renew();
    expect(first.claim.lost.reason).toMatchObject({ reason: "claim-expired" });
    await first.claim.resolve({ kind: "completed" });
    const second = await deployment.claimed();
    fake.tasks.all.delete(second.task.taskId);
    await second.claim.renew();
    expect(second.claim.lost.reason).toMatchObject({
      reason: "canceled",
      message: expect.stringContaining("not found"),
    });
  });

  it("tells a deadline from a cancel by the clock where the status may not be asked for", async () => {
    await using deployment = await Deployment.start({ workerScopes: [] });
    const { task, claim } = await deployment.claimed({ deadlineMs: 200 });
    await deployment.fake.tasks.ended(lastRun(task));
    expect(task.runs[0]?.reasonResolved).toBe("deadline-exceeded");
    await claim.renew();
    expect(claim.lost.reason).toMatchObject({ reason: "deadline-exceeded" });
  });

  it("notices between two renewals that a task was canceled", async () => {
    await using deployment = await Deployment.start({}, { statusPollMs: 20 });
    const { fake } = deployment;
    const { task, claim } = await deployment.claimed();
    await fake.asked("status", 2);
    expect(claim.lost.aborted).toBe(false);
    fake.tasks.end(task, "canceled");
    expect(await lossOf(claim)).toMatchObject({ reason: "canceled" });
    expect(fake.seen("reclaimTask")).toHaveLength(0);
  });

  it("looks on after the queue was ill, and notices the deadline also without it", async () => {
    await using deployment = await Deployment.start({}, { statusPollMs: 20 });
    const { fake } = deployment;
    fake.fail("status", { kind: "status", status: 500 }, 3);
    fake.fail("status", { kind: "cut" }, 2);
    const { task, claim } = await deployment.claimed();
    await fake.asked("status", 7);
    fake.tasks.end(task, "canceled");
    expect(await lossOf(claim)).toMatchObject({ reason: "canceled" });
    fake.fail("status", { kind: "cut" }, 1_000);
    const late = await deployment.claimed({ deadlineMs: 300 });
    expect(await lossOf(late.claim)).toMatchObject({ reason: "deadline-exceeded" });
  });

  it("says once that it may not look, and asks no more", async () => {
    await using deployment = await Deployment.start({ workerScopes: [] }, { statusPollMs: 10 });
    const { claim } = await deployment.claimed({ deadlineMs: 300 });
    expect(await lossOf(claim)).toMatchObject({ reason: "deadline-exceeded" });
    expect(deployment.fake.seen("status")).toHaveLength(1);
    expect(deployment.log.map(({ level }) => level)).toEqual(["warn"]);
    expect(deployment.log[0]?.message).toContain("queue:status:*");
  });

  it("looks no more once the run is resolved, or the driver closed", async () => {
    await using deployment = await Deployment.start({}, { statusPollMs: 10 });
    const { fake, queue } = deployment;
    const { claim } = await deployment.claimed();
    await fake.asked("status");
    await claim.resolve({ kind: "completed" });
    const settled = fake.seen("status").length;
    await deployment.claimed();
    await fake.asked("status", settled + 2);
    await queue[Symbol.asyncDispose]();
    const asked = fake.seen("status").map(({ url }) => url);
    expect(asked.slice(settled + 1).some((url) => url.includes(claim.task.taskId))).toBe(false);
  });

  it("does not mistake the queue's clock for its own", async () => {
    for (const clockAheadMs of [-600_000, 600_000]) {
      await using deployment = await Deployment.start({ clockAheadMs, leaseMs: 60_000 });
      const { claim } = await deployment.claimed();
      const leftMs = claim.takenUntil.getTime() - Date.now();
      expect(leftMs).toBeGreaterThan(30_000);
      expect(leftMs).toBeLessThan(61_000);
      await claim.renew();
      expect(claim.lost.aborted).toBe(false);
    }
  });

  it("gives up on a renewal that is never answered, and on its own when it is aborted", async () => {
    await using deployment = await Deployment.start({}, { timeouts: { requestMs: 100 } });
    const { fake } = deployment;
    const { claim } = await deployment.claimed();
    fake.fail("reclaimTask", { kind: "hang" }, 2);
    expect(await failureOf(claim.renew())).toMatchObject({ code: "queue-timeout", blame: "upstream" });
    const controller = new AbortController();
    const renewing = failureOf(claim.renew(controller.signal));
    await fake.asked("reclaimTask", 2);
    controller.abort(new Error("enough"));
    expect((await renewing).message).toBe("enough");
    expect(claim.lost.aborted).toBe(false);
    await claim.renew();
  });

  it("renews after ten refusals of a queue that is ill", async () => {
    await using deployment = await Deployment.start();
    const { claim } = await deployment.claimed();
    deployment.fake.fail("reclaimTask", { kind: "status", status: 500 }, 10);
    for (let i = 0; i < 10; i++) expect(await failureOf(claim.renew())).toMatchObject({ blame: "upstream" });
    const before = claim.takenUntil;
    await claim.renew();
    expect(claim.takenUntil.getTime()).toBeGreaterThan(before.getTime());
  });
});
