import { once } from "node:events";
import { setImmediate } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { resolutionReason } from "../../../src/base/errors.ts";
import { resolveConfig } from "../../../src/config/config.ts";
import type { Claim, Resolution } from "../../../src/queue/driver.ts";
import { type OpenedRun, Worker, type WorkerOptions } from "../../../src/worker/worker.ts";
import { FakeClaim, FakeQueue, unreachable } from "../../fakes/fake-queue.ts";

const host = { memoryMiB: 65_536, cpus: 8 };
const COMPLETED: Resolution = { kind: "completed" };
const HOST_ERROR: Resolution = { kind: "exception", reason: "internal-error", message: "QEMU is not installed" };

/** Runs what the payload says; `open` ones go on until the test ends them. */
class Host {
  readonly queue = new FakeQueue();
  readonly worker: Worker;
  readonly ends = new Map<string, (resolution: Resolution) => void>();
  readonly logged: string[] = [];
  memoryMiB = 65_536;
  #changed = Promise.withResolvers<void>();

  /** @param why It starts paused. */
  constructor(worker: object = { capacity: 2 }, why?: string) {
    const config = resolveConfig({ worker }, { env: {}, uid: 0, home: "/nowhere", host });
    const options: WorkerOptions = {
      queue: this.queue,
      settings: config.worker,
      maxMemoryMiB: 1_024,
      room: async () => ({ memoryMiB: this.memoryMiB, diskBytes: 2 ** 40 }),
      open: (claim) => this.#open(claim),
      onChange: () => {
        this.#changed.resolve();
        this.#changed = Promise.withResolvers<void>();
      },
      logger: { log: (_level, message, fields) => void this.logged.push(message + (fields?.["why"] ?? "")) },
    };
    this.worker = why === undefined ? Worker.start(options) : Worker.startPaused(options, why);
  }

  #open({ task }: Claim): OpenedRun {
    return {
      phase: "run",
      note: () => {},
      untouchedMemoryMiB: async () => 0,
      publish: async () => undefined,
      close: async () => {},
      execute: async (signal) => {
        const aborted = once(signal, "abort").then((): Resolution => {
          return { kind: "exception", reason: resolutionReason(signal.reason) };
        });
        const end = new Promise<Resolution>((resolve) => this.ends.set(task.taskId, resolve));
        return task.payload === "open" ? Promise.race([end, aborted]) : (task.payload as Resolution);
      },
    };
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await this.#changed.promise;
  }

  get runningIds(): string[] {
    return this.worker.status.running.map(({ taskId }) => taskId);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.worker.stop("the test is over");
    await this.worker.done;
  }
}

const open = (taskId: string) => new FakeClaim("open", { taskId });

describe("a worker", () => {
  it("claims as many as it has room for, and the next when one is over", async () => {
    await using the = new Host();
    const [a, b, c] = [open("a"), open("b"), open("c")];
    the.queue.add(a, b, c);
    await the.until(() => the.worker.status.state === "full");
    expect(the.runningIds).toEqual(["a", "b"]);
    the.ends.get("a")?.(COMPLETED);
    await the.until(() => the.runningIds.includes("c"));
    expect(a.resolutions).toEqual([COMPLETED]);
    expect(the.queue.questions.slice(0, 2)).toEqual([2, 1]);
  });

  it("goes on after tasks of every end", async () => {
    await using the = new Host();
    const failed: Resolution = { kind: "failed", reason: "command-failed" };
    const claims = [COMPLETED, failed, HOST_ERROR, COMPLETED].map((end) => new FakeClaim(end));
    the.queue.add(...claims);
    await the.until(() => the.worker.status.finished.total === 4);
    expect(the.worker.status.finished.byEnd).toEqual({ completed: 2, failed: 1, "internal-error": 1 });
  });

  it("stops claiming after host errors in a row, says why, and recovers by itself", async () => {
    await using the = new Host({ capacity: 1, hostErrors: { max: 2, pause: 0.02 } });
    the.queue.add(new FakeClaim(HOST_ERROR), new FakeClaim(HOST_ERROR));
    await the.until(() => the.worker.status.finished.total === 2);
    expect(the.worker.status).toMatchObject({
      state: "waiting",
      why: expect.stringContaining("QEMU is not installed"),
    });
    the.queue.add(new FakeClaim(COMPLETED), new FakeClaim(COMPLETED));
    await the.until(() => the.worker.status.finished.total === 4);
    expect(the.worker.status.state).toBe("claiming");
    expect(the.logged.join("\n")).toMatch(/claims no tasks for .* by the fault of this host; QEMU is not installed/);
  });

  it("does not take tasks that need no machine for a sign that the host is well", async () => {
    await using the = new Host({ capacity: 1, hostErrors: { max: 2, pause: 60 } });
    const malformed: Resolution = { kind: "exception", reason: "malformed-payload" };
    the.queue.add(...[HOST_ERROR, malformed, HOST_ERROR].map((end) => new FakeClaim(end)));
    await the.until(() => the.worker.status.finished.total === 3);
    expect(the.worker.status.state).toBe("waiting");
  });

  it("asks a queue that does not answer again, and says so meanwhile", async () => {
    await using the = new Host();
    the.queue.refusals.push(unreachable());
    const claim = new FakeClaim(COMPLETED);
    await the.queue.asked;
    the.queue.add(claim);
    await expect(claim.told).resolves.toEqual(COMPLETED);
    expect(the.logged).toContain("the queue cannot be asked for tasks: the queue does not answer");
    expect(the.logged).toContain("the queue answers again");
  });

  it("claims nothing while it is paused, and finishes what it has", async () => {
    await using the = new Host();
    the.queue.add(open("a"));
    await the.until(() => the.runningIds.includes("a"));
    await the.worker.pause("an operator looks at it");
    the.queue.add(open("b"));
    the.ends.get("a")?.(COMPLETED);
    await the.until(() => the.runningIds.length === 0);
    expect(the.worker.status).toMatchObject({ state: "paused", why: "an operator looks at it" });
    expect(the.queue.length).toBe(1);
    the.worker.resume();
    await the.until(() => the.runningIds.includes("b"));
  });

  it("is over only when all it has claimed and does not want is given back, also from before a pause", async () => {
    await using the = new Host();
    const [asked, givenBack] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const { claim } = FakeQueue.prototype;
    the.queue.claim = async (_count, signal) => {
      the.queue.claim = claim;
      asked.resolve();
      await once(signal, "abort");
      await givenBack.promise;
      throw signal.reason;
    };
    await asked.promise;
    void the.worker.pause("somebody cannot decide");
    the.worker.resume();
    the.worker.drain("it is told to end", 60_000);
    const first = await Promise.race([the.worker.done.then(() => "over"), setImmediate("not over")]);
    expect(first).toBe("not over");
    givenBack.resolve();
    await the.worker.done;
  });

  it("claims nothing before it may, where it starts paused", async () => {
    await using the = new Host({ capacity: 2 }, "it starts");
    the.queue.add(open("a"));
    await setImmediate();
    expect(the.worker.status).toMatchObject({ state: "paused", why: "it starts" });
    expect(the.queue.questions).toEqual([]);
    the.worker.resume();
    await the.until(() => the.runningIds.includes("a"));
  });

  it("claims nothing while the host is short of memory, and says so", async () => {
    await using the = new Host();
    the.queue.add(open("a"));
    await the.until(() => the.runningIds.includes("a"));
    the.memoryMiB = 1_000;
    the.queue.add(open("b"), open("c"));
    the.ends.get("a")?.(COMPLETED);
    await the.until(() => the.worker.status.state === "waiting");
    expect(the.worker.status.why).toMatch(/1000 MiB of memory are free/);
    the.memoryMiB = 65_536;
    the.worker.reconsider();
    await the.until(() => the.worker.status.state === "full");
  });

  it("drains: claims nothing more, finishes what runs, and ends", async () => {
    await using the = new Host();
    const claim = open("a");
    the.queue.add(claim);
    await the.until(() => the.runningIds.includes("a"));
    the.worker.drain("it is told to end", 60_000);
    the.queue.add(open("b"));
    the.ends.get("a")?.(COMPLETED);
    await the.worker.done;
    expect(claim.resolutions).toEqual([COMPLETED]);
    expect(the.queue.length).toBe(1);
    expect(the.worker.status).toMatchObject({ state: "stopped", why: "it is told to end" });
  });

  it.each([
    ["a second signal", 60_000],
    ["the end of its patience", 5],
  ])("stops what runs at %s", async (how, timeoutMs) => {
    await using the = new Host();
    const claim = open("a");
    the.queue.add(claim);
    await the.until(() => the.runningIds.includes("a"));
    the.worker.drain("it is told to end", timeoutMs);
    if (how === "a second signal") the.worker.stop("it is told again");
    await the.worker.done;
    expect(claim.resolutions).toEqual([expect.objectContaining({ kind: "exception", reason: "worker-shutdown" })]);
  });

  it("is no more patient when it is told again to drain, as it is whenever one of its tasks ends", async () => {
    await using the = new Host();
    const [a, b] = [open("a"), open("b")];
    the.queue.add(a, b);
    await the.until(() => the.runningIds.length === 2);
    the.worker.drain("the host goes", 20);
    the.worker.drain("the host goes", 60_000);
    the.ends.get("a")?.(COMPLETED);
    await the.worker.done;
    expect(b.resolutions).toEqual([expect.objectContaining({ reason: "worker-shutdown" })]);
  });

  it("ends at once where nothing runs", async () => {
    await using the = new Host();
    await the.queue.asked.catch(() => {});
    the.worker.drain("it is told to end", 60_000);
    await the.worker.done;
    expect(the.worker.status.state).toBe("stopped");
  });
});
