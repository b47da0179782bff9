import { describe, expect, it } from "vitest";
import type { Resolution } from "../../../src/queue/driver.ts";
import { lastRun } from "../../fakes/fake-taskcluster-tasks.ts";
import { Deployment, failureOf, never } from "./harness.ts";

const COMPLETED: Resolution = { kind: "completed" };
const FAILED: Resolution = { kind: "failed", exitCode: 1 };

describe("resolving a run of Taskcluster", () => {
  it.each([
    [COMPLETED, "completed", "completed"],
    [FAILED, "failed", "failed"],
    [{ kind: "exception", reason: "malformed-payload", message: "no command" }, "exception", "malformed-payload"],
    [{ kind: "exception", reason: "resource-unavailable" }, "exception", "resource-unavailable"],
    [{ kind: "exception", reason: "internal-error" }, "exception", "internal-error"],
    [{ kind: "exception", reason: "superseded" }, "exception", "superseded"],
    [{ kind: "exception", reason: "worker-shutdown" }, "exception", "worker-shutdown"],
    [{ kind: "exception", reason: "intermittent-task" }, "exception", "intermittent-task"],
  ] as const)("reports %j", async (resolution, state, reason) => {
    await using deployment = await Deployment.start();
    const { task, claim } = await deployment.claimed();
    await claim.resolve(resolution);
    expect(task.runs[0]).toMatchObject({ state, reasonResolved: reason });
    expect(claim.lost.aborted).toBe(false);
    const isRetried = reason === "worker-shutdown" || reason === "intermittent-task";
    expect(task.runs).toHaveLength(isRetried ? 2 : 1);
    const [again] = await deployment.queue.claim(1, never);
    expect(again?.task.runId).toBe(isRetried ? 1 : undefined);
  });

  it.each(["canceled", "deadline-exceeded", "claim-expired"] as const)("reports nothing for %s", async (reason) => {
    await using deployment = await Deployment.start();
    const { claim } = await deployment.claimed();
    await claim.resolve({ kind: "exception", reason });
    expect(deployment.fake.requests.map(({ call }) => call)).toEqual(["claimWork"]);
  });

  it("lets the same be said again, also when the first answer was lost", async () => {
    await using deployment = await Deployment.start();
    const { fake } = deployment;
    for (const resolution of [COMPLETED, FAILED, { kind: "exception", reason: "worker-shutdown" } as const]) {
      const { task, claim } = await deployment.claimed({ retries: 0 });
      const call = { completed: "reportCompleted", failed: "reportFailed", exception: "reportException" }[
        resolution.kind
      ];
      fake.fail(call, { kind: "lose-answer" });
      expect(await failureOf(claim.resolve(resolution))).toMatchObject({
        code: "queue-unreachable",
        blame: "upstream",
      });
      await claim.resolve(resolution);
      await claim.resolve(resolution);
      expect(task.runs).toHaveLength(1);
      expect(claim.lost.aborted).toBe(false);
    }
  });

  it("lets worker-shutdown be said again though somebody else runs the task already", async () => {
    await using deployment = await Deployment.start();
    const { fake, queue } = deployment;
    const { task, claim } = await deployment.claimed();
    fake.fail("reportException", { kind: "lose-answer" });
    await failureOf(claim.resolve({ kind: "exception", reason: "worker-shutdown" }));
    const [again] = await queue.claim(1, never);
    await again?.resolve({ kind: "exception", reason: "worker-shutdown" });
    await queue.claim(1, never);
    await claim.resolve({ kind: "exception", reason: "worker-shutdown" });
    expect(claim.lost.aborted).toBe(false);
    expect(task.runs).toHaveLength(3);
  });

  it("tells clearly, and not as a fault of the queue, that a run cannot end twice", async () => {
    await using deployment = await Deployment.start();
    const { fake } = deployment;
    const { claim } = await deployment.claimed();
    await claim.resolve(COMPLETED);
    const own = await failureOf(claim.resolve(FAILED));
    expect(own).toMatchObject({ code: "run-resolved-already", blame: "worker" });
    expect(own.message).toMatch(/resolved as completed, and cannot become failed/);
    const other = await deployment.claimed();
    fake.fail("reportCompleted", { kind: "lose-answer" });
    await failureOf(other.claim.resolve(COMPLETED));
    const refused = await failureOf(other.claim.resolve(FAILED));
    expect(refused).toMatchObject({ code: "run-resolved-already", blame: "worker" });
    expect(refused.message).toMatch(/resolved as completed, and cannot become failed/);
    expect(other.task.runs[0]?.state).toBe("completed");
  });

  it("does not take its own report for a loss, though everything else is answered first", async () => {
    await using deployment = await Deployment.start({}, { statusPollMs: 10 });
    const { fake } = deployment;
    const { task, claim } = await deployment.claimed();
    const answered = Promise.withResolvers<void>();
    fake.fail("reportCompleted", { kind: "wait", until: answered.promise });
    const resolving = claim.resolve(COMPLETED);
    await fake.tasks.ended(lastRun(task));
    await claim.renew();
    await fake.asked("status", fake.seen("status").length + 3);
    answered.resolve();
    await resolving;
    expect(claim.lost.aborted).toBe(false);
    expect(fake.seen("reclaimTask")).toHaveLength(1);
  });

  it.each(["canceled", "deadline-exceeded", "superseded"] as const)(
    "learns from the refusal of a report that the run was %s",
    async (reason) => {
      await using deployment = await Deployment.start();
      const { task, claim } = await deployment.claimed();
      deployment.fake.tasks.end(task, reason);
      await claim.resolve(COMPLETED);
      expect(claim.lost.reason).toMatchObject({ reason });
      expect(task.runs[0]?.reasonResolved).toBe(reason);
    },
  );

  it("reports after ten refusals of a queue that is ill", async () => {
    await using deployment = await Deployment.start();
    const { task, claim } = await deployment.claimed();
    deployment.fake.fail("reportCompleted", { kind: "status", status: 500 }, 10);
    for (let i = 0; i < 10; i++) expect(await failureOf(claim.resolve(COMPLETED))).toMatchObject({ blame: "upstream" });
    await claim.resolve(COMPLETED);
    expect(task.runs[0]?.state).toBe("completed");
  });

  it("does not believe a page that is not the queue's", async () => {
    await using deployment = await Deployment.start();
    const { task, claim } = await deployment.claimed();
    deployment.fake.fail("reportCompleted", { kind: "page" });
    expect(await failureOf(claim.resolve(COMPLETED))).toMatchObject({ code: "queue-answer-invalid" });
    await claim.resolve(COMPLETED);
    expect(task.runs[0]?.state).toBe("completed");
  });

  it("gives up on a report that is never answered", async () => {
    await using deployment = await Deployment.start({}, { timeouts: { requestMs: 100 } });
    const { claim } = await deployment.claimed();
    deployment.fake.fail("reportFailed", { kind: "hang" });
    expect(await failureOf(claim.resolve(FAILED))).toMatchObject({ code: "queue-timeout", blame: "upstream" });
    const controller = new AbortController();
    deployment.fake.fail("reportFailed", { kind: "hang" });
    const reporting = failureOf(claim.resolve(FAILED, controller.signal));
    await deployment.fake.asked("reportFailed", 2);
    controller.abort(new Error("enough"));
    expect((await reporting).message).toBe("enough");
  });

  it("believes its lease is over when its credentials are, and the queue says so", async () => {
    await using deployment = await Deployment.start({ leaseMs: 100, longPollMs: 60_000 });
    const { claim } = await deployment.claimed();
    const [again] = await deployment.queue.claim(1, never);
    await claim.resolve(COMPLETED);
    expect(claim.lost.reason).toMatchObject({ reason: "claim-expired" });
    expect(again?.task.runId).toBe(1);
  });
});
