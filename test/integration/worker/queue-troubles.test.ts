/** A worker, with machines that are fakes, on a PostgreSQL that stands still, and on a host whose clock is set. */
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import { HostArtifacts } from "../../../src/artifact/host-artifacts.ts";
import { resolutionReason } from "../../../src/base/errors.ts";
import { resolveConfig } from "../../../src/config/config.ts";
import type { Claim, Resolution } from "../../../src/queue/driver.ts";
import { connectionOfUrl } from "../../../src/queue/postgres/connection.ts";
import { PostgresQueue } from "../../../src/queue/postgres/postgres-queue.ts";
import { type OpenedRun, Worker } from "../../../src/worker/worker.ts";
import { until } from "../../contract/queue.ts";
import { PostgresServer } from "../../postgres-server.ts";

const LEASE_MS = 2_000;
const HOUR_MS = 3_600_000;

let server: PostgresServer;

beforeAll(async () => {
  server = await PostgresServer.start();
});

afterAll(() => server[Symbol.asyncDispose]());

/** Its machines run until they are told to end. */
class Host {
  readonly worker: Worker;
  readonly queue: PostgresQueue;
  /** `begin TASK/RUN`, `end TASK/RUN`. */
  readonly happened: string[] = [];
  readonly #ends: (() => void)[] = [];
  #changed = Promise.withResolvers<void>();

  private constructor(queue: PostgresQueue) {
    this.queue = queue;
    const host = { memoryMiB: 65_536, cpus: 4 };
    const config = resolveConfig({ worker: { capacity: 1 } }, { env: {}, uid: 0, home: "/nowhere", host });
    this.worker = Worker.start({
      queue: queue.openDriver({ queue: "default", workerId: "worker-1", leaseMs: LEASE_MS }),
      settings: config.worker,
      maxMemoryMiB: 1,
      room: async () => ({ memoryMiB: 65_536, diskBytes: 2 ** 40 }),
      open: (claim) => this.#open(claim),
      onChange: () => this.#change(),
    });
  }

  static async open(): Promise<Host> {
    const folder = await mkdtemp("/tmp/bxq-");
    onTestFinished(() => rm(folder, { recursive: true }));
    const { description, config } = connectionOfUrl(await server.createDatabase());
    // As always, but a test cannot wait as long.
    const connection = { description, config: { ...config, query_timeout: 1_000, connectionTimeoutMillis: 1_000 } };
    const queue = await PostgresQueue.open({ connection, files: await HostArtifacts.open(folder) });
    onTestFinished(() => queue[Symbol.asyncDispose]());
    const host = new Host(queue);
    onTestFinished(() => host.#stop());
    return host;
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await this.#changed.promise;
  }

  endMachine(): void {
    this.#ends.shift()?.();
  }

  #open({ task: { taskId, runId } }: Claim): OpenedRun {
    const note = (what: string) => {
      this.happened.push(`${what} ${taskId}/${runId}`);
      this.#change();
    };
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
        const ended = new Promise<Resolution>((resolve) => this.#ends.push(() => resolve({ kind: "completed" })));
        note("begin");
        const end = await Promise.race([ended, aborted]);
        note("end");
        return end;
      },
    };
  }

  #change(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }

  async #stop(): Promise<void> {
    this.worker.stop("the test is over");
    await this.worker.done;
  }
}

it("a worker whose queue stands still past the lease gives up what it runs, and runs it again afterwards", async () => {
  const host = await Host.open();
  const { taskId } = await host.queue.submit({ payload: {} });
  await host.until(() => host.happened.includes(`begin ${taskId}/0`));
  {
    await using _paused = await server.pause();
    await host.until(() => host.happened.includes(`end ${taskId}/0`));
    await host.until(() => host.worker.status.finished.byEnd["claim-expired"] === 1);
    await until(() => host.worker.status.why?.includes("the queue cannot be asked") === true);
  }
  await host.until(() => host.happened.includes(`begin ${taskId}/1`));
  host.endMachine();
  host.endMachine();
  await host.until(() => host.worker.status.finished.total === 2);
  expect(await host.queue.show(taskId)).toMatchObject({ state: "completed", runs: [{ reason: "claim-expired" }, {}] });
  expect(host.worker.status.state).toBe("claiming");
});

it("a worker whose queue stands still for less than the lease keeps what it runs", async () => {
  const host = await Host.open();
  const { taskId } = await host.queue.submit({ payload: {} });
  await host.until(() => host.happened.includes(`begin ${taskId}/0`));
  {
    await using _paused = await server.pause();
    host.endMachine();
    await host.until(() => host.happened.includes(`end ${taskId}/0`));
  }
  await host.until(() => host.worker.status.finished.total === 1);
  expect((await host.queue.show(taskId)).runs).toMatchObject([{ state: "completed" }]);
});

describe.each([
  ["forward", HOUR_MS],
  ["back", -HOUR_MS],
])("a worker whose host has its clock set one hour %s", (_direction, jumpMs) => {
  afterEach(() => vi.useRealTimers());

  const setClock = () => vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + jumpMs });

  it("keeps a run through its leases", async () => {
    const host = await Host.open();
    const { taskId } = await host.queue.submit({ payload: {} });
    await host.until(() => host.happened.includes(`begin ${taskId}/0`));
    const leases = new Set<number>();
    setClock();
    await until(async () => leases.add((await host.queue.show(taskId)).runs[0]?.takenUntil?.getTime() ?? 0).size > 4);
    host.endMachine();
    await host.until(() => host.worker.status.finished.total === 1);
    expect((await host.queue.show(taskId)).runs).toMatchObject([{ state: "completed" }]);
  });

  it("does not keep one that cannot be renewed", async () => {
    const host = await Host.open();
    const { taskId } = await host.queue.submit({ payload: {} });
    await host.until(() => host.happened.includes(`begin ${taskId}/0`));
    await using _paused = await server.pause();
    setClock();
    await host.until(() => host.worker.status.finished.byEnd["claim-expired"] === 1);
    expect(host.happened.at(-1)).toBe(`end ${taskId}/0`);
  });

  it("runs a task whose deadline is nearer than that", async () => {
    setClock();
    const host = await Host.open();
    const { taskId } = await host.queue.submit({ payload: {}, deadline: HOUR_MS / 2_000 });
    await host.until(() => host.happened.includes(`begin ${taskId}/0`));
    host.endMachine();
    await host.until(() => host.worker.status.finished.total === 1);
    expect((await host.queue.show(taskId)).state).toBe("completed");
  });
});
