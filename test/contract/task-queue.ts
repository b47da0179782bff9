/** What a queue does for who submits tasks and looks after them: one suite, run against each that is ours. */
import { readFile, stat } from "node:fs/promises";
import { describe, expect, it, onTestFinished } from "vitest";
import type { QueueDriver } from "../../src/queue/driver.ts";
import { newTaskId } from "../../src/queue/task-id.ts";
import type { TaskQueue } from "../../src/queue/task-queue.ts";
import { claimOne, fileWith, never, reasonOf, until } from "./queue.ts";

export interface TaskQueueHarness extends AsyncDisposable {
  readonly queue: TaskQueue;
  openDriver(options: { workerId: string; queue?: string }): Promise<QueueDriver>;
}

export function describeTaskQueue(name: string, start: () => Promise<TaskQueueHarness>): void {
  const open = async () => {
    const harness = await start();
    onTestFinished(() => harness[Symbol.asyncDispose]());
    const driver = await harness.openDriver({ workerId: "worker-1" });
    const end = async (kind: "completed" | "failed") => {
      const claim = await claimOne(driver);
      await claim.resolve({ kind });
      return claim.task.taskId;
    };
    return { queue: harness.queue, driver, end };
  };

  describe(`tasks of a queue: ${name}`, () => {
    it("says what became of a task that was submitted", async () => {
      const { queue } = await open();
      const { taskId } = await queue.submit({
        payload: { a: 1 },
        metadata: { name: "unit tests" },
        tags: { os: "linux" },
      });
      expect(taskId).toMatch(/^[A-Za-z0-9_][A-Za-z0-9_-]{21}$/);
      expect(await queue.show(taskId)).toMatchObject({
        ...{ taskId, queue: "default", state: "pending", priority: "medium", name: "unit tests", retriesLeft: 5 },
        runs: [{ runId: 0, state: "pending", reasonCreated: "scheduled" }],
        definition: { payload: { a: 1 }, tags: { os: "linux" } },
        waitsFor: [],
      });
    });

    it("takes the same task under the same id for one, and refuses another", async () => {
      const { queue } = await open();
      const taskId = newTaskId();
      await queue.submit({ payload: { a: 1 } }, { taskId });
      await expect(queue.submit({ payload: { a: 1 } }, { taskId })).resolves.toMatchObject({ taskId });
      await expect(queue.submit({ payload: { a: 2 } }, { taskId })).rejects.toMatchObject({ code: "task-exists" });
      expect(await queue.list()).toHaveLength(1);
    });

    it("refuses a task that it cannot keep its promises to", async () => {
      const { queue } = await open();
      const missing = newTaskId();
      await expect(queue.submit({ payload: {}, dependencies: [missing] })).rejects.toMatchObject({
        code: "dependency-not-found",
      });
      await expect(queue.submit({ payload: {}, deadline: "2 days", expires: "1 day" })).rejects.toMatchObject({
        code: "deadline-after-expiry",
      });
      await expect(queue.submit({ payload: {}, deadline: "soon" })).rejects.toMatchObject({ code: "duration-refused" });
      expect(await queue.list()).toEqual([]);
    });

    it("knows a task by the beginning of its id, if it is the only one", async () => {
      const { queue } = await open();
      const [first, second] = ["A_aaaaaaaaaaaaaaaaaaaa", "A-aaaaaaaaaaaaaaaaaaaa"] as const;
      await queue.submit({ payload: {} }, { taskId: first });
      await queue.submit({ payload: {} }, { taskId: second });
      expect((await queue.show("A_")).taskId).toBe(first);
      expect((await queue.cancel("A-a")).taskId).toBe(second);
      await expect(queue.show("A")).rejects.toMatchObject({ code: "task-ambiguous" });
      await expect(queue.show("%")).rejects.toMatchObject({ code: "task-not-found" });
      await expect(queue.show("")).rejects.toMatchObject({ code: "task-not-found" });
      await expect(queue.show(newTaskId())).rejects.toMatchObject({ code: "task-not-found" });
      await expect(queue.rerun("zz")).rejects.toMatchObject({ code: "task-not-found" });
      await expect(queue.artifacts("zz")).rejects.toMatchObject({ code: "task-not-found" });
    });

    it("lists the newest first, and a part of them", async () => {
      const { queue, driver } = await open();
      const ids: string[] = [];
      for (let count = 0; count < 5; count++) ids.unshift((await queue.submit({ payload: {} })).taskId);
      const large = (await queue.submit({ payload: {}, queue: "large" })).taskId;
      await (await claimOne(driver)).resolve({ kind: "completed" });
      const list = async (...args: Parameters<typeof queue.list>) =>
        (await queue.list(...args)).map(({ taskId }) => taskId);
      expect(await list()).toEqual([large, ...ids]);
      expect(await list({ queue: "default", limit: 2 })).toEqual(ids.slice(0, 2));
      expect(await list({ queue: "default", limit: 2, before: ids[1] ?? "" })).toEqual(ids.slice(2, 4));
      expect(await list({ states: ["completed", "failed"] })).toEqual(ids.slice(4));
    });

    it("finds tasks by the beginning of the id, a part of the name or of a tag, in upper or lower case", async () => {
      const { queue, driver } = await open();
      const submit = async (taskId: string, name?: string, tags: Record<string, string> = {}) =>
        (await queue.submit({ payload: {}, tags, ...(name && { metadata: { name } }) }, { taskId })).taskId;
      const unit = await submit("Unit56789012345678901A", "Unit Tests: 100%_sure", { os: "Linux", arch: "x86\n64" });
      const named = await submit("zzzz56789012345678901A", "ÄRGER\u2028 mit unit56");
      const bare = await submit("aaUnit6789012345678901", undefined, { nul: "a\u0000b", long: "x".repeat(4_096) });
      const find = async (search: string) => (await queue.list({ search })).map(({ taskId }) => taskId).reverse();
      expect(await find("uNIT5")).toEqual([unit, named]);
      expect(await find("unit t")).toEqual([unit]);
      expect(await find("100%_s")).toEqual([unit]);
      expect(await find("%")).toEqual([unit]);
      expect(await find("_")).toEqual([unit]);
      expect(await find("LINUX")).toEqual([unit]);
      expect(await find("x86 64")).toEqual([unit]);
      expect(await find("ärger")).toEqual([named]);
      expect(await find("a b")).toEqual([bare]);
      // In the middle of an id nobody looks for it, nor across names and tags, nor for how a tag is called.
      for (const none of ["6789012", "sure linux", "arch", "\\", "'; --", "no such"])
        expect(await find(none)).toEqual([]);
      expect(await find(" \n ")).toEqual([unit, named, bare]);
      await (await claimOne(driver)).resolve({ kind: "completed" });
      expect(await queue.list({ search: "unit", states: ["pending"], queue: "default", limit: 1 })).toMatchObject([
        { taskId: named },
      ]);
      expect(await queue.list({ search: "unit", before: named })).toMatchObject([{ taskId: unit }]);
      expect(await queue.list({ search: "unit", queue: "large" })).toEqual([]);
    });

    it("remembers who submitted a task, the first time, and tells who claims it", async () => {
      const { queue, driver } = await open();
      const { taskId, submitter } = await queue.submit({ payload: {} }, { submitter: "jane@example.org" });
      expect(submitter).toBe("jane@example.org");
      await queue.submit({ payload: {} }, { taskId, submitter: "joe" });
      expect((await queue.show(taskId)).submitter).toBe("jane@example.org");
      expect(await queue.list()).toMatchObject([{ taskId, submitter: "jane@example.org" }]);
      expect((await claimOne(driver)).task).toMatchObject({ taskId, submitter: "jane@example.org" });
      expect(await queue.submit({ payload: {} })).not.toHaveProperty("submitter");
      expect((await claimOne(driver)).task).not.toHaveProperty("submitter");
    });

    it("counts what waits and runs, and says since when the oldest waits", async () => {
      const { queue, driver, end } = await open();
      expect(await queue.summary()).toEqual({ queues: [] });
      const first = await queue.submit({ payload: {} });
      const old = (await queue.submit({ payload: {} })).taskId;
      await queue.submit({ payload: {}, dependencies: [old] });
      expect(await end("completed")).toBe(first.taskId);
      const claim = await claimOne(driver);
      await queue.submit({ payload: {}, queue: "a/large" });
      const since = (await queue.submit({ payload: {} })).runs[0]?.scheduled;
      // It was submitted first, and has not waited for long.
      await queue.rerun(first.taskId);
      await queue.submit({ payload: {}, queue: "a/large" });
      const summary = await queue.summary();
      expect(summary.queues).toEqual([
        { name: "a/large", unscheduled: 0, pending: 2, running: 0 },
        { name: "default", unscheduled: 1, pending: 2, running: 1 },
      ]);
      const large = (await queue.list({ queue: "a/large" })).at(-1)?.runs[0]?.scheduled;
      expect(summary.oldestPending).toEqual(large);
      for (const { taskId } of await queue.list({ queue: "a/large" })) await queue.cancel(taskId);
      expect((await queue.summary()).oldestPending).toEqual(since);
      await claim.resolve({ kind: "exception", reason: "internal-error", message: "oops\u0000" });
      expect((await queue.summary()).queues).toEqual([{ name: "default", unscheduled: 1, pending: 2, running: 0 }]);
    });

    it("schedules a task when all it depends on have completed", async () => {
      const { queue, driver, end } = await open();
      const first = (await queue.submit({ payload: {} })).taskId;
      const second = (await queue.submit({ payload: {} })).taskId;
      const last = (await queue.submit({ payload: {}, dependencies: [first, second], priority: "highest" })).taskId;
      expect(await queue.show(last)).toMatchObject({
        state: "unscheduled",
        runs: [],
        dependencies: [first, second],
        waitsFor: [
          { taskId: first, state: "pending" },
          { taskId: second, state: "pending" },
        ],
      });
      expect(await end("completed")).toBe(first);
      expect(await end("completed")).toBe(second);
      expect((await claimOne(driver)).task).toMatchObject({ taskId: last, runId: 0 });
      const late = (await queue.submit({ payload: {}, dependencies: [first] })).taskId;
      expect((await queue.show(late)).state).toBe("pending");
    });

    it("does not forget a task whose dependencies end at the same moment", async () => {
      const { queue, driver } = await open();
      const ids = await Promise.all(
        Array.from({ length: 8 }, async () => (await queue.submit({ payload: {} })).taskId),
      );
      const last = (await queue.submit({ payload: {}, dependencies: ids })).taskId;
      const claims = await driver.claim(8, never());
      const submitted = claims.map(
        async () => (await queue.submit({ payload: {}, dependencies: ids, priority: "low" })).taskId,
      );
      await Promise.all(claims.map((claim) => claim.resolve({ kind: "completed" })));
      for (const taskId of [last, ...(await Promise.all(submitted))])
        expect((await queue.show(taskId)).state).toBe("pending");
    });

    it("keeps a task from running whose dependency failed, and says why; a rerun makes it good", async () => {
      const { queue, end } = await open();
      const first = (await queue.submit({ payload: {} })).taskId;
      const strict = (await queue.submit({ payload: {}, dependencies: [first] })).taskId;
      const lenient = (await queue.submit({ payload: {}, dependencies: [first], requires: "all-resolved" })).taskId;
      expect(await end("failed")).toBe(first);
      expect(await queue.show(lenient)).toMatchObject({ state: "pending", waitsFor: [] });
      expect(await queue.show(strict)).toMatchObject({
        state: "unscheduled",
        waitsFor: [{ taskId: first, state: "failed" }],
      });
      await queue.rerun(first);
      expect(await end("completed")).toBe(lenient);
      expect(await end("completed")).toBe(first);
      expect(await queue.show(strict)).toMatchObject({ state: "pending", waitsFor: [] });
    });

    it("ends tasks at their deadline that never ran", async () => {
      const { queue } = await open();
      const first = (await queue.submit({ payload: {}, deadline: 0.2, expires: 60 })).taskId;
      const second = (await queue.submit({ payload: {}, dependencies: [first], deadline: 0.2, expires: 60 })).taskId;
      for (const taskId of [first, second]) {
        await until(async () => (await queue.show(taskId)).state === "exception");
        expect((await queue.show(taskId)).runs).toMatchObject([{ runId: 0, reason: "deadline-exceeded" }]);
      }
      expect((await queue.show(second)).runs[0]?.reasonCreated).toBe("exception");
    });

    it("forgets a task when it expires", async () => {
      const { queue } = await open();
      const { taskId } = await queue.submit({ payload: {}, deadline: 0.1, expires: 0.2 });
      await until(async () => (await queue.list()).length === 0);
      await expect(queue.show(taskId)).rejects.toMatchObject({ code: "task-not-found" });
    });

    it("ends what waits under a key when a newer task comes, and leaves what runs", async () => {
      const { queue, driver } = await open();
      const submit = async (supersede: string, name = "default") =>
        (await queue.submit({ payload: {}, supersede, queue: name })).taskId;
      const running = await submit("deploy");
      const claim = await claimOne(driver);
      const old = await submit("deploy");
      const others = [await submit("other"), await submit("deploy", "large")];
      const newer = await submit("deploy");
      expect(await queue.show(old)).toMatchObject({ state: "exception", runs: [{ reason: "superseded" }] });
      for (const taskId of [newer, ...others]) expect((await queue.show(taskId)).state).toBe("pending");
      expect(claim.task.taskId).toBe(running);
      await claim.renew();
      expect(claim.lost.aborted).toBe(false);
      // It would wait again, and there is a newer one.
      await claim.resolve({ kind: "exception", reason: "worker-shutdown" });
      expect(await queue.show(running)).toMatchObject({ state: "exception" });
      expect((await queue.show(running)).runs.at(-1)).toMatchObject({ reason: "superseded" });
    });

    it("ends only what its submitter has under a key, where nobody else's may be ended", async () => {
      const { queue, driver } = await open();
      const submit = async (submitter: string | undefined, supersedes: "all" | "own") => {
        const who = submitter === undefined ? {} : { submitter };
        return (await queue.submit({ payload: {}, supersede: "deploy" }, { ...who, supersedes })).taskId;
      };
      const running = await submit("ann", "own");
      const claim = await claimOne(driver);
      const [ofAnn, ofBob, ofNobody] = [
        await submit("ann", "own"),
        await submit("bob", "own"),
        await submit(undefined, "own"),
      ];
      const stateOf = async (taskId: string) => (await queue.show(taskId)).state;
      expect(await Promise.all([ofAnn, ofBob, ofNobody].map(stateOf))).toEqual(["pending", "pending", "pending"]);
      const newer = await submit("bob", "own");
      expect(await Promise.all([ofAnn, ofBob, newer].map(stateOf))).toEqual(["pending", "exception", "pending"]);
      await submit("root", "all");
      expect(await Promise.all([ofAnn, newer, ofNobody].map(stateOf))).toEqual(["exception", "exception", "exception"]);
      // There is a newer one of the same submitter.
      await claim.resolve({ kind: "exception", reason: "worker-shutdown" });
      expect((await queue.show(running)).runs.at(-1)).toMatchObject({ reason: "superseded" });
    });

    it("lets a task wait again, whatever others have submitted under its key", async () => {
      const { queue, driver } = await open();
      const supersedes = "own";
      const { taskId } = await queue.submit({ payload: {}, supersede: "key" }, { submitter: "ann", supersedes });
      const claim = await claimOne(driver);
      await queue.submit({ payload: {}, supersede: "key" }, { submitter: "bob", supersedes });
      await claim.resolve({ kind: "exception", reason: "worker-shutdown" });
      expect(await queue.show(taskId)).toMatchObject({ state: "pending" });
    });

    it("leaves one of many tasks that come under one key at the same time", async () => {
      const { queue } = await open();
      await Promise.all(Array.from({ length: 6 }, () => queue.submit({ payload: {}, supersede: "key" })));
      const states = (await queue.list()).map(({ state }) => state).sort();
      expect(states).toEqual([...Array(5).fill("exception"), "pending"]);
    });

    it("cancels a task once, whatever it does", async () => {
      const { queue, driver } = await open();
      const first = (await queue.submit({ payload: {} })).taskId;
      const second = (await queue.submit({ payload: {}, dependencies: [first] })).taskId;
      const claim = await claimOne(driver);
      const lost = reasonOf(claim, 5_000);
      await expect(queue.cancel(first, "not needed")).resolves.toMatchObject({
        state: "exception",
        runs: [{ state: "exception", reason: "canceled", message: "not needed" }],
      });
      expect((await lost).message).toBe("not needed");
      await expect(queue.cancel(second)).resolves.toMatchObject({ state: "exception", runs: [{ reason: "canceled" }] });
      const before = await queue.show(first);
      await queue.cancel(first, "again");
      expect(await queue.show(first)).toEqual(before);
    });

    it("runs a resolved task again with all its retries, and leaves one that is not", async () => {
      const { queue, driver, end } = await open();
      const { taskId } = await queue.submit({ payload: {}, retries: 2 });
      await (await claimOne(driver)).resolve({ kind: "exception", reason: "intermittent-task" });
      expect(await queue.rerun(taskId)).toMatchObject({ state: "pending", retriesLeft: 1 });
      await end("failed");
      expect(await queue.rerun(taskId)).toMatchObject({
        ...{ state: "pending", retriesLeft: 2 },
        runs: [{ reason: "intermittent-task" }, { state: "failed" }, { runId: 2, reasonCreated: "rerun" }],
      });
      await end("completed");
      expect((await queue.show(taskId)).state).toBe("completed");
    });

    it("refuses to run a task again after its deadline", async () => {
      const { queue } = await open();
      const { taskId } = await queue.submit({ payload: {}, deadline: 0.1, expires: 60 });
      await until(async () => (await queue.show(taskId)).state === "exception");
      await expect(queue.rerun(taskId)).rejects.toMatchObject({ code: "task-deadline-over" });
    });

    it("shows where artifacts of each run are on this host", async () => {
      const { queue, driver } = await open();
      const { taskId } = await queue.submit({ payload: {}, retries: 1 });
      const claim = await claimOne(driver);
      const file = await fileWith("hello");
      const sha256 = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
      const contentType = "text/plain";
      await claim.artifacts.putFile(
        { name: "public/a.txt", file, sizeBytes: 5, sha256, contentType, contentEncoding: "gzip" },
        never(),
      );
      await claim.artifacts.putLink?.({ name: "public/b.txt", contentType, artifact: "public/a.txt" }, never());
      await claim.resolve({ kind: "exception", reason: "worker-shutdown" });
      expect(await queue.artifacts(taskId)).toEqual([]);
      const [first, second] = await queue.artifacts(taskId, 0);
      expect(first).toMatchObject({
        name: "public/a.txt",
        sizeBytes: 5,
        sha256,
        contentEncoding: "gzip",
        workerId: "worker-1",
      });
      expect(await readFile(first?.file ?? "", "utf8")).toBe("hello");
      await expect(stat(file)).rejects.toMatchObject({ code: "ENOENT" });
      expect(second).toMatchObject({ name: "public/b.txt", link: { artifact: "public/a.txt" } });
      expect(second?.file).toBeUndefined();
    });
  });
}
