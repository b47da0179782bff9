import { describe, expect, it } from "vitest";
import { Deployment, failureOf, never } from "./harness.ts";

describe("claiming from Taskcluster", () => {
  it("hands out a task as its definition says", async () => {
    await using deployment = await Deployment.start();
    const { fake, queue } = deployment;
    const task = fake.add({ payload: { command: ["true"] }, priority: "high", name: "unit tests", scopes: ["a:b"] });
    const [claim] = await queue.claim(4, never);
    expect(claim?.task).toEqual({
      taskId: task.taskId,
      runId: 0,
      payload: { command: ["true"] },
      priority: "high",
      name: "unit tests",
      created: task.created,
      deadline: task.deadline,
      expires: task.expires,
      scheduled: task.runs[0]?.scheduled,
      scopes: ["a:b"],
    });
    expect(claim).toHaveProperty("scopes", ["a:b"]);
    expect(fake.seen("claimWork")[0]?.body).toEqual({ workerGroup: "here", workerId: "worker-1", tasks: 4 });
  });

  it('takes the old priority "normal" for the lowest', async () => {
    await using deployment = await Deployment.start();
    const { claim } = await deployment.claimed({ priority: "normal" });
    expect(claim.task.priority).toBe("lowest");
  });

  it("asks for no more than the API allows, and for nothing if there is no room", async () => {
    await using deployment = await Deployment.start();
    const { fake, queue } = deployment;
    expect(await queue.claim(0, never)).toEqual([]);
    expect(fake.seen("claimWork")).toHaveLength(0);
    for (let i = 0; i < 40; i++) fake.add();
    expect(await queue.claim(100, never)).toHaveLength(32);
    expect(await queue.claim(100, never)).toHaveLength(8);
  });

  it("comes back with nothing when the poll ends, and with a task as soon as there is one", async () => {
    await using deployment = await Deployment.start({ longPollMs: 50 });
    const { fake, queue } = deployment;
    expect(await queue.claim(1, never)).toEqual([]);
    await using patient = await Deployment.start({ longPollMs: 60_000 });
    const claiming = patient.queue.claim(1, never);
    await patient.fake.asked("claimWork");
    const task = patient.fake.add();
    expect((await claiming)[0]?.task.taskId).toBe(task.taskId);
    expect(fake.seen("claimWork")).toHaveLength(1);
  });

  it("gives back what a poll brings after it was aborted", async () => {
    await using deployment = await Deployment.start({ longPollMs: 60_000 });
    const { fake, queue } = deployment;
    const controller = new AbortController();
    const claiming = failureOf(queue.claim(2, controller.signal));
    await fake.asked("claimWork");
    const reason = new Error("the worker drains");
    controller.abort(reason);
    const task = fake.add();
    expect(await claiming).toBe(reason);
    expect(task.runs.map(({ state, reasonResolved }) => reasonResolved ?? state)).toEqual([
      "worker-shutdown",
      "pending",
    ]);
    expect(fake.seen("reportException")[0]?.clientId).toContain("task-client/");
  });

  it("tries again to give a task back, and says until when it is held if it cannot", async () => {
    await using deployment = await Deployment.start({ longPollMs: 60_000 });
    const { fake, queue, log } = deployment;
    fake.fail("reportException", { kind: "status", status: 503 });
    const controller = new AbortController();
    const claiming = failureOf(queue.claim(1, controller.signal));
    await fake.asked("claimWork");
    controller.abort(new Error("enough"));
    const task = fake.add();
    await claiming;
    expect(task.runs[0]?.reasonResolved).toBe("worker-shutdown");
    expect(log[0]?.message).toContain(task.runs[0]?.takenUntil?.toISOString());
  });

  it("ends an empty poll that was aborted with the reason, without giving anything back", async () => {
    await using deployment = await Deployment.start({ longPollMs: 100 });
    const { fake, queue } = deployment;
    const controller = new AbortController();
    const claiming = failureOf(queue.claim(1, controller.signal));
    await fake.asked("claimWork");
    controller.abort(new Error("enough"));
    expect((await claiming).message).toBe("enough");
    expect(fake.seen("reportException")).toHaveLength(0);
    expect((await failureOf(queue.claim(1, controller.signal))).message).toBe("enough");
    expect(fake.seen("claimWork")).toHaveLength(1);
  });

  it("waits for its poll and gives the tasks back when it is closed", async () => {
    await using deployment = await Deployment.start({ longPollMs: 60_000 });
    const { fake, queue } = deployment;
    const claiming = failureOf(queue.claim(1, never));
    await fake.asked("claimWork");
    const closing = queue[Symbol.asyncDispose]();
    const task = fake.add();
    await closing;
    expect(await claiming).toMatchObject({ reason: "worker-shutdown" });
    expect(task.runs[0]?.reasonResolved).toBe("worker-shutdown");
  });

  it("says ten times that the queue is ill, and then claims", async () => {
    await using deployment = await Deployment.start();
    const { fake, queue } = deployment;
    fake.fail("claimWork", { kind: "status", status: 500 }, 10);
    fake.add();
    for (let i = 0; i < 10; i++) {
      const failure = await failureOf(queue.claim(1, never));
      expect(failure).toMatchObject({ code: "queue-unavailable", blame: "upstream" });
    }
    expect(await queue.claim(1, never)).toHaveLength(1);
    expect(fake.seen("claimWork")).toHaveLength(11);
  });

  it("gives up on a queue that never answers", async () => {
    await using deployment = await Deployment.start({}, { timeouts: { claimMs: 100 } });
    deployment.fake.fail("claimWork", { kind: "hang" });
    const failure = await failureOf(deployment.queue.claim(1, never));
    expect(failure).toMatchObject({ code: "queue-timeout", blame: "upstream" });
    expect(failure.message).toContain("claimWork within 100 ms");
  });

  it("blames nobody here for a connection that breaks, a name nobody knows, a page of somebody else", async () => {
    await using deployment = await Deployment.start();
    const { fake, queue } = deployment;
    fake.fail("claimWork", { kind: "cut" });
    expect(await failureOf(queue.claim(1, never))).toMatchObject({ code: "queue-unreachable", blame: "upstream" });
    fake.fail("claimWork", { kind: "page" });
    expect(await failureOf(queue.claim(1, never))).toMatchObject({ code: "queue-answer-invalid", blame: "upstream" });
    fake.fail("claimWork", { kind: "status", status: 302, body: "" });
    expect(await failureOf(queue.claim(1, never))).toMatchObject({ code: "queue-answer-invalid", blame: "upstream" });
    await using lost = await Deployment.start({}, { rootUrl: "http://queue.invalid", timeouts: { claimMs: 5_000 } });
    const failure = await failureOf(lost.queue.claim(1, never));
    expect(failure).toMatchObject({ blame: "upstream" });
    expect(failure.message).toContain("http://queue.invalid");
  });

  it("blames the configuration for credentials and scopes that the queue refuses, in its words", async () => {
    const wrong = { clientId: "worker", accessToken: "not-the-token" };
    await using deployment = await Deployment.start({}, { credentials: wrong });
    const unknown = await failureOf(deployment.queue.claim(1, never));
    expect(unknown).toMatchObject({ code: "queue-credentials-refused", blame: "host" });
    expect(unknown.message).toContain("Bad mac");
    await using other = await Deployment.start({}, { taskQueueId: "elsewhere/machines" });
    const unscoped = await failureOf(other.queue.claim(1, never));
    expect(unscoped).toMatchObject({ code: "queue-credentials-refused", blame: "host" });
    expect(unscoped.message).toContain("queue:claim-work:elsewhere/machines");
    expect(unscoped.message).not.toContain("payload");
    await using odd = await Deployment.start({}, { workerId: "no spaces" });
    expect(await failureOf(odd.queue.claim(1, never))).toMatchObject({ code: "queue-request-refused", blame: "host" });
  });
});
