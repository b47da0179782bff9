/** What a queue tells of what happens on it: one suite, run against each that does. */
import { describe, expect, it, onTestFinished } from "vitest";
import type { QueueDriver } from "../../src/queue/driver.ts";
import type { QueueEvent, QueueEvents, WorkerEvent } from "../../src/queue/queue-events.ts";
import type { TaskQueue } from "../../src/queue/task-queue.ts";
import { claimOne } from "./queue.ts";

export interface QueueEventsHarness extends AsyncDisposable {
  readonly queue: TaskQueue & { readonly events: QueueEvents };
  openDriver(options: { workerId: string }): Promise<QueueDriver>;
  /** As another process has it. */
  openEvents(): Promise<QueueEvents>;
}

/** Keeps what it is told, and waits for it. */
export class EventLog {
  readonly events: QueueEvent[] = [];
  gaps = 0;
  #arrived = Promise.withResolvers<void>();

  onEvent(event: QueueEvent): void {
    this.events.push(event);
    this.#wake();
  }

  onGap(): void {
    this.gaps++;
    this.#wake();
  }

  #wake(): void {
    this.#arrived.resolve();
    this.#arrived = Promise.withResolvers();
  }

  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await this.#arrived.promise;
  }

  /** What became of a task, in the order in which it happened. */
  statesOf(taskId: string): string[] {
    return this.events
      .filter((event) => event.kind === "task" && event.taskId === taskId)
      .map((event) => event as Extract<QueueEvent, { kind: "task" }>)
      .sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0))
      .map(({ state, runId = "-" }) => `${runId} ${state}`);
  }
}

const MARK: WorkerEvent = { kind: "worker", workerId: "the-last", state: "gone" };

export function describeQueueEvents(name: string, start: () => Promise<QueueEventsHarness>): void {
  const open = async () => {
    const harness = await start();
    onTestFinished(() => harness[Symbol.asyncDispose]());
    const log = new EventLog();
    const watch = await harness.queue.events.watch(log);
    /** All that was told before has arrived. */
    const settled = async () => {
      const from = log.events.length;
      harness.queue.events.publish(MARK);
      await log.until(() => log.events.slice(from).some((event) => event.kind === "worker" && event.state === "gone"));
    };
    const driver = await harness.openDriver({ workerId: "worker-1" });
    return { harness, queue: harness.queue, driver, log, watch, settled };
  };

  describe(`events of a queue: ${name}`, () => {
    it("tells each change of state of a task", async () => {
      const { queue, driver, log, settled } = await open();
      const { taskId } = await queue.submit({ payload: {}, metadata: { name: "unit tests" }, retries: 1 });
      const { taskId: second } = await queue.submit({ payload: {}, dependencies: [taskId] });
      const claim = await claimOne(driver);
      await claim.renew();
      await claim.resolve({ kind: "exception", reason: "worker-shutdown" });
      await (await claimOne(driver)).resolve({ kind: "failed" });
      await queue.rerun(taskId);
      await queue.rerun(taskId);
      await (await claimOne(driver)).resolve({ kind: "completed" });
      await queue.cancel(second);
      await settled();
      expect(log.statesOf(taskId)).toEqual([
        ...["0 pending", "0 running", "1 pending", "1 running", "1 failed", "2 pending", "2 running", "2 completed"],
      ]);
      expect(log.statesOf(second)).toEqual(["- unscheduled", "0 pending", "0 exception"]);
      expect(log.events[0]).toEqual({
        ...{ kind: "task", taskId, state: "pending", runId: 0, queue: "default", name: "unit tests" },
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      });
      expect(log.gaps).toBe(0);
    });

    it("tells everybody, of this process and of others, and nobody any more who has ended to watch", async () => {
      const { harness, queue, log, watch, settled } = await open();
      const other = await harness.openEvents();
      const [far, near] = [new EventLog(), new EventLog()];
      await Promise.all([other.watch(far), queue.events.watch(near)]);
      const { taskId } = await queue.submit({ payload: {} });
      for (const each of [log, far, near]) await each.until(() => each.statesOf(taskId).length === 1);
      other.publish({ kind: "phase", taskId, runId: 0, phase: "boot", workerId: "worker-2" });
      for (const each of [log, near]) await each.until(() => each.events.some(({ kind }) => kind === "phase"));
      await settled();
      const before = log.events.length;
      await watch[Symbol.asyncDispose]();
      await queue.cancel(taskId);
      await near.until(() => near.statesOf(taskId).length === 2);
      expect(log.events).toHaveLength(before);
    });

    it("tells much that happens at once", async () => {
      const { queue, log } = await open();
      const name = "ä".repeat(200);
      const submitted = await Promise.all(
        Array.from({ length: 60 }, () => queue.submit({ payload: {}, metadata: { name } })),
      );
      await log.until(() => log.events.length === submitted.length);
      const told = log.events.map((event) => (event.kind === "task" ? event.taskId : ""));
      expect(told.sort()).toEqual(submitted.map(({ taskId }) => taskId).sort());
    });

    it("can be watched again after nobody did", async () => {
      const { queue, log, watch } = await open();
      await Promise.all([watch[Symbol.asyncDispose](), watch[Symbol.asyncDispose]()]);
      await using _again = await queue.events.watch(log);
      const { taskId } = await queue.submit({ payload: {} });
      await log.until(() => log.statesOf(taskId).length > 0);
      expect(log.statesOf(taskId)).toEqual(["0 pending"]);
    });
  });
}
