/** What every queue does for workers: one suite, run against each driver. */
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { orTimeout } from "../../src/base/abort.ts";
import { Cancellation } from "../../src/base/errors.ts";
import type { TaskDefinition } from "../../src/generated/task-definition.ts";
import type { Claim, QueueDriver } from "../../src/queue/driver.ts";
import { PRIORITIES, type TaskStatus } from "../../src/queue/task.ts";
import type { ArtifactEntry } from "../../src/queue/task-queue.ts";

/** One queue with nothing in it, for one test. */
export interface QueueHarness extends AsyncDisposable {
  /** A worker of its own; it claims from the task queue `default`, if no other is named. The harness disposes it. */
  openDriver(options: { workerId: string; queue?: string }): Promise<QueueDriver>;
  /** As somebody who submits tasks. */
  submit(definition: TaskDefinition): Promise<string>;
  cancel(taskId: string): Promise<void>;
  show(taskId: string): Promise<TaskStatus>;
  artifacts(taskId: string): Promise<readonly Pick<ArtifactEntry, "name" | "contentType" | "error">[]>;
}

export interface QueueContractOptions {
  /** The lease of claims of this harness: short, since tests wait for its end. */
  readonly leaseMs: number;
  /** How long an empty `claim()` takes at most. */
  readonly emptyClaimMs: number;
}

const PAYLOAD = { command: ["true"], nested: { text: "ä\u0000\u2028😀", list: [1, null, { deep: true }] } };

export function describeQueue(
  name: string,
  start: () => Promise<QueueHarness>,
  { leaseMs, emptyClaimMs }: QueueContractOptions,
): void {
  const open = async () => {
    const queue = await start();
    onTestFinished(() => queue[Symbol.asyncDispose]());
    return { queue, driver: await queue.openDriver({ workerId: "worker-1" }) };
  };

  describe(`a queue: ${name}`, () => {
    it("hands out a task as it was submitted", async () => {
      const { queue, driver } = await open();
      const taskId = await queue.submit({ payload: PAYLOAD, priority: "high", metadata: { name: "a task" } });
      const claim = await claimOne(driver);
      expect(claim.task).toMatchObject({ taskId, runId: 0, payload: PAYLOAD, priority: "high", name: "a task" });
      expect(claim.task.deadline.getTime()).toBeGreaterThan(claim.task.created.getTime());
      expect(claim.task.expires.getTime()).toBeGreaterThanOrEqual(claim.task.deadline.getTime());
      expect(claim.lost.aborted).toBe(false);
      const { state, runs } = await queue.show(taskId);
      expect({ state, run: runs[0] }).toMatchObject({
        state: "running",
        run: { runId: 0, state: "running", workerId: "worker-1", reasonCreated: "scheduled" },
      });
    });

    it("says when the run could first be claimed, and which trace the task names", async () => {
      const { queue, driver } = await open();
      const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
      const taskId = await queue.submit({ payload: PAYLOAD, tags: { traceparent, other: "\u0000" } });
      const { task } = await claimOne(driver);
      const [run] = (await queue.show(taskId)).runs;
      expect(task).toMatchObject({ taskId, traceparent, scheduled: run?.scheduled });
      await queue.submit({ payload: PAYLOAD });
      expect((await claimOne(driver)).task.traceparent).toBeUndefined();
    });

    it("has nothing to claim, and says so after a while", async () => {
      const { driver } = await open();
      await expect(orTimeout(driver.claim(1, never()), emptyClaimMs, late)).resolves.toEqual([]);
    });

    it("gives a task to a claimer that waits already", async () => {
      const { queue, driver } = await open();
      const claims = claimOne(driver).then((claim) => [claim]);
      const taskId = await queue.submit({ payload: PAYLOAD });
      expect((await claims).map(({ task }) => task.taskId)).toEqual([taskId]);
    });

    it("hands out the most urgent first, and of those the oldest", async () => {
      const { queue, driver } = await open();
      const expected = new Map<string, string[]>(PRIORITIES.map((priority) => [priority, []]));
      for (const priority of [...PRIORITIES].reverse().flatMap((one) => [one, one])) {
        expected.get(priority)?.push(await queue.submit({ payload: {}, priority }));
      }
      const one = await driver.claim(1, never());
      const rest: Claim[] = [];
      while (rest.length < 13) rest.push(...(await driver.claim(13 - rest.length, never())));
      expect([...one, ...rest].map(({ task }) => task.taskId)).toEqual([...expected.values()].flat());
    });

    it("gives no more than was asked for, and each task to one worker only", async () => {
      const { queue, driver } = await open();
      const other = await queue.openDriver({ workerId: "worker-2" });
      const submitted = await Promise.all(Array.from({ length: 12 }, () => queue.submit({ payload: {} })));
      const claimed: string[] = [];
      const drain = async (from: QueueDriver) => {
        while (claimed.length < submitted.length) {
          const claims = await from.claim(2, AbortSignal.timeout(emptyClaimMs));
          expect(claims.length).toBeLessThanOrEqual(2);
          claimed.push(...claims.map(({ task }) => task.taskId));
        }
        done.abort();
      };
      const done = new AbortController();
      await Promise.race([Promise.all([drain(driver), drain(other)]), once(done.signal, "abort")]);
      expect(claimed.sort()).toEqual(submitted.sort());
    });

    it("gives tasks only to who claims from their task queue", async () => {
      const { queue, driver } = await open();
      const other = await queue.openDriver({ workerId: "worker-2", queue: "linux/large" });
      const large = await queue.submit({ payload: {}, queue: "linux/large" });
      const usual = await queue.submit({ payload: {} });
      expect((await claimOne(driver)).task.taskId).toBe(usual);
      expect((await claimOne(other)).task.taskId).toBe(large);
    });

    it("rejects with the reason of the signal, and loses nothing by that", async () => {
      const { queue, driver } = await open();
      const controller = new AbortController();
      const waiting = driver.claim(1, controller.signal);
      controller.abort(new Cancellation("worker-shutdown", "enough"));
      await expect(waiting).rejects.toThrow("enough");
      await expect(driver.claim(1, AbortSignal.abort(new Error("at once")))).rejects.toThrow("at once");
      const taskId = await queue.submit({ payload: {} });
      expect((await claimOne(driver)).task).toMatchObject({ taskId, runId: 0 });
    });

    it.each([
      [{ kind: "completed" }, "completed"],
      [{ kind: "failed", message: "exit code 3" }, "failed"],
      [{ kind: "exception", reason: "malformed-payload" }, "exception"],
      [{ kind: "exception", reason: "resource-unavailable" }, "exception"],
      [{ kind: "exception", reason: "internal-error", message: "oops\u0000" }, "exception"],
    ] as const)("is told once, or again, that a run ended: %o", async (resolution, state) => {
      const { queue, driver } = await open();
      const taskId = await queue.submit({ payload: {} });
      const claim = await claimOne(driver);
      await claim.resolve(resolution);
      await claim.resolve(resolution);
      const status = await queue.show(taskId);
      expect(status).toMatchObject({ state, runs: [{ state }] });
      if (resolution.kind === "exception") expect(status.runs[0]?.reason).toBe(resolution.reason);
      expect(claim.lost.aborted).toBe(false);
    });

    it.each([
      ["worker-shutdown", "retry"],
      ["intermittent-task", "task-retry"],
    ] as const)("runs a task again after %s, while retries are left", async (reason, reasonCreated) => {
      const { queue, driver } = await open();
      const taskId = await queue.submit({ payload: {}, retries: 1 });
      await (await claimOne(driver)).resolve({ kind: "exception", reason });
      expect(await queue.show(taskId)).toMatchObject({ state: "pending", retriesLeft: 0 });
      const again = await claimOne(driver);
      expect(again.task).toMatchObject({ taskId, runId: 1 });
      await again.resolve({ kind: "exception", reason });
      expect(await queue.show(taskId)).toMatchObject({
        state: "exception",
        runs: [
          { state: "exception", reason },
          { state: "exception", reason, reasonCreated },
        ],
      });
    });

    it("is told of the end of a run in whatever characters a guest has, and runs it again", async () => {
      const { queue, driver } = await open();
      const taskId = await queue.submit({ payload: PAYLOAD });
      const message = "NUL \u0000, half of a pair \ud83d, ä😀";
      await (await claimOne(driver)).resolve({ kind: "exception", reason: "intermittent-task", message });
      await (await claimOne(driver)).resolve({ kind: "completed" });
      const { state, runs } = await queue.show(taskId);
      expect({ state, states: runs.map((run) => run.state) }).toEqual({
        ...{ state: "completed", states: ["exception", "completed"] },
      });
    });

    it("makes the lease longer when it is asked to", async () => {
      const { queue, driver } = await open();
      await queue.submit({ payload: {} });
      const claim = await claimOne(driver);
      const before = claim.takenUntil.getTime();
      expect(before).toBeGreaterThan(Date.now());
      await until(() => Date.now() > before - leaseMs + 20);
      await claim.renew();
      expect(claim.takenUntil.getTime()).toBeGreaterThan(before);
      expect(claim.lost.aborted).toBe(false);
    });

    it("takes a task from who does not renew, and gives it to another", async () => {
      const { queue, driver } = await open();
      const other = await queue.openDriver({ workerId: "worker-2" });
      const taskId = await queue.submit({ payload: {}, retries: 3 });
      const claim = await claimOne(driver);
      expect((await reasonOf(claim, leaseMs * 5)).reason).toBe("claim-expired");
      const again = await claimOne(other);
      expect(again.task).toMatchObject({ taskId, runId: 1 });
      // What the first says now is nothing to the second.
      await claim.resolve({ kind: "completed" });
      await claim.renew().catch(() => {});
      await again.renew();
      await again.resolve({ kind: "failed" });
      expect(await queue.show(taskId)).toMatchObject({
        state: "failed",
        retriesLeft: 2,
        runs: [{ state: "exception", reason: "claim-expired" }, { state: "failed" }],
      });
    });

    it("tells who runs a task that it was canceled, and nobody else", async () => {
      const { queue, driver } = await open();
      const taskId = await queue.submit({ payload: {} });
      const claim = await claimOne(driver);
      await queue.submit({ payload: {} });
      const other = await claimOne(driver);
      const lost = reasonOf(claim, 5_000);
      await queue.cancel(taskId);
      expect((await lost).reason).toBe("canceled");
      await claim.resolve({ kind: "completed" });
      expect(await queue.show(taskId)).toMatchObject({ state: "exception", runs: [{ reason: "canceled" }] });
      await other.renew();
      expect(other.lost.aborted).toBe(false);
    });

    it("hands out no task that was canceled while it waited", async () => {
      const { queue, driver } = await open();
      const canceled = await queue.submit({ payload: {}, priority: "highest" });
      const other = await queue.submit({ payload: {} });
      await queue.cancel(canceled);
      expect((await driver.claim(5, never())).map(({ task }) => task.taskId)).toEqual([other]);
    });

    it("ends a running task at its deadline", async () => {
      const { queue, driver } = await open();
      const taskId = await queue.submit({ payload: {}, deadline: 1, expires: 60 });
      const claim = await claimOne(driver);
      const renewing = setInterval(() => void claim.renew().catch(() => {}), 200);
      const { reason } = await reasonOf(claim, 10_000);
      clearInterval(renewing);
      expect(reason).toBe("deadline-exceeded");
      await until(async () => (await queue.show(taskId)).state === "exception");
      expect((await queue.show(taskId)).runs.at(-1)?.reason).toBe("deadline-exceeded");
    });

    it("keeps artifacts, and what it is told twice once", async () => {
      const { queue, driver } = await open();
      const taskId = await queue.submit({ payload: {} });
      const claim = await claimOne(driver);
      const file = await fileWith("hello");
      const artifact = {
        ...{ name: "public/report.txt", file, sizeBytes: 5, contentType: "text/plain" },
        sha256: "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
      };
      await claim.artifacts.putFile(artifact, never());
      await claim.artifacts.putFile(artifact, never());
      const gone = { name: "public/gone.txt", reason: "file-missing-on-worker", message: "no such file" } as const;
      await claim.artifacts.putError(gone, never());
      await claim.artifacts.putError(gone, never());
      await claim.resolve({ kind: "completed" });
      const artifacts = [...(await queue.artifacts(taskId))].sort((a, b) => (a.name < b.name ? -1 : 1));
      expect(artifacts).toMatchObject([
        { name: "public/gone.txt", error: { reason: "file-missing-on-worker" } },
        { name: "public/report.txt", contentType: "text/plain" },
      ]);
    });

    it("takes no artifacts of a run that is lost", async () => {
      const { queue, driver } = await open();
      const taskId = await queue.submit({ payload: {} });
      const claim = await claimOne(driver);
      const lost = reasonOf(claim, 5_000);
      await queue.cancel(taskId);
      await lost;
      const error = { name: "a", reason: "file-missing-on-worker", message: "gone" } as const;
      await expect(claim.artifacts.putError(error, never())).rejects.toThrow();
      expect(await queue.artifacts(taskId)).toEqual([]);
    });

    it("says on one line what it is", async () => {
      const { driver } = await open();
      expect(driver.description).toMatch(/^[^\n]{3,}$/);
    });
  });
}

export async function claimOne(driver: QueueDriver): Promise<Claim> {
  for (;;) {
    const [claim] = await driver.claim(1, AbortSignal.timeout(20_000));
    if (claim !== undefined) return claim;
  }
}

/** Why a claim is lost, or will be. */
export async function reasonOf({ lost }: Claim, timeoutMs: number): Promise<Cancellation> {
  if (!lost.aborted) await orTimeout(once(lost, "abort"), timeoutMs, () => new Error("the claim is not lost"));
  expect(lost.reason).toBeInstanceOf(Cancellation);
  return lost.reason as Cancellation;
}

/** For what nobody tells: asks again and again. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20));
}

export async function fileWith(text: string): Promise<string> {
  const folder = await mkdtemp("/tmp/bxq-");
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, "file");
  await writeFile(file, text);
  return file;
}

export function never(): AbortSignal {
  return new AbortController().signal;
}

function late(): Error {
  return new Error("it took too long");
}
