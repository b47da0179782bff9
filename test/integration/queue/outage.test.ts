import { mkdtemp, rm } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { HostArtifacts } from "../../../src/artifact/host-artifacts.ts";
import { connectionOfUrl } from "../../../src/queue/postgres/connection.ts";
import { MIGRATIONS } from "../../../src/queue/postgres/migrations.ts";
import { PostgresQueue } from "../../../src/queue/postgres/postgres-queue.ts";
import { claimOne, never, reasonOf, until } from "../../contract/queue.ts";
import { PostgresServer } from "../../postgres-server.ts";

let server: PostgresServer;

beforeAll(async () => {
  server = await PostgresServer.start();
});

afterAll(() => server[Symbol.asyncDispose]());

async function open(url?: string): Promise<PostgresQueue> {
  const folder = await mkdtemp("/tmp/bxq-");
  onTestFinished(() => rm(folder, { recursive: true }));
  const { description, config } = connectionOfUrl(url ?? (await server.createDatabase()));
  // As always, but a test cannot wait as long.
  const connection = { description, config: { ...config, query_timeout: 1_500, connectionTimeoutMillis: 1_500 } };
  const queue = await PostgresQueue.open({ connection, files: await HostArtifacts.open(folder) });
  // These are called in the reverse order.
  onTestFinished(() => queue[Symbol.asyncDispose]());
  return queue;
}

const openDriver = (queue: PostgresQueue, leaseMs = 60_000) =>
  queue.openDriver({ queue: "default", workerId: "worker-1", leaseMs, maxWaitMs: 500 });

const UNREACHABLE = { name: "QueueError", blame: "upstream" };

describe("a queue in PostgreSQL", () => {
  it.each(["stop", "kill"] as const)("says that it cannot be reached, and goes on after: %s", async (how) => {
    const queue = await open();
    const driver = openDriver(queue);
    const { taskId } = await queue.submit({ payload: {} });
    const claim = await claimOne(driver);
    await server[how]();
    await expect(driver.claim(1, never())).rejects.toMatchObject(UNREACHABLE);
    await expect(claim.renew()).rejects.toMatchObject(UNREACHABLE);
    await expect(claim.resolve({ kind: "completed" })).rejects.toMatchObject(UNREACHABLE);
    await expect(queue.submit({ payload: {} })).rejects.toMatchObject(UNREACHABLE);
    expect(claim.lost.aborted).toBe(false);
    await server.start();
    await until(() =>
      claim.renew().then(
        () => true,
        () => false,
      ),
    );
    await claim.resolve({ kind: "completed" });
    expect((await queue.show(taskId)).state).toBe("completed");
    // What listens was opened again: else nobody would tell so soon.
    await queue.submit({ payload: {} });
    const next = await claimOne(driver);
    const lost = reasonOf(next, 10_000);
    await queue.cancel(next.task.taskId);
    expect((await lost).reason).toBe("canceled");
  });

  it("does not wait for a server that stands still, and goes on when it does", async () => {
    const queue = await open();
    const driver = openDriver(queue);
    await queue.submit({ payload: {} });
    const claim = await claimOne(driver);
    {
      await using _paused = await server.pause();
      await expect(driver.claim(1, never())).rejects.toMatchObject(UNREACHABLE);
      await expect(claim.renew()).rejects.toMatchObject(UNREACHABLE);
    }
    await until(() =>
      claim.resolve({ kind: "completed" }).then(
        () => true,
        () => false,
      ),
    );
    expect((await queue.show(claim.task.taskId)).state).toBe("completed");
  });

  it("hears of a cancellation also while it cannot listen", async () => {
    const url = await server.createDatabase();
    const queue = await open(url);
    const { taskId } = await queue.submit({ payload: {} });
    const claim = await claimOne(openDriver(queue));
    const lost = reasonOf(claim, 10_000);
    // Told to nobody: only the rows say it.
    await server.query(
      `BEGIN;
       UPDATE boxcar.task SET state = 'exception', job = NULL,
         runs = '[{"runId":0,"state":"exception","reason":"canceled","reasonCreated":"scheduled","scheduled":"2026-01-01T00:00:00Z"}]'
         WHERE task_id = '${taskId}';
       SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = current_database();
       COMMIT`,
      url,
    );
    expect((await lost).reason).toBe("canceled");
  });

  it("takes no lease from who could not renew because of the queue, if he comes back in time", async () => {
    const queue = await open();
    const { taskId } = await queue.submit({ payload: {} });
    const claim = await claimOne(openDriver(queue, 4_000));
    await server.stop();
    await server.start();
    await until(() =>
      claim.renew().then(
        () => true,
        () => false,
      ),
    );
    expect(claim.lost.aborted).toBe(false);
    expect((await queue.show(taskId)).runs).toHaveLength(1);
  });

  it("is made once by many who open it at the same moment", async () => {
    const url = await server.createDatabase();
    const queues = await Promise.all(Array.from({ length: 6 }, () => open(url)));
    const ids = await Promise.all(queues.map(async (queue) => (await queue.submit({ payload: {} })).taskId));
    expect((await queues[0]?.list())?.map(({ taskId }) => taskId).sort()).toEqual(ids.sort());
    const once = MIGRATIONS.map((_, index) => ({ version: index + 1 }));
    expect(await server.query("SELECT version FROM boxcar.migration ORDER BY version", url)).toEqual(once);
  });

  it("refuses a database that a newer Boxcar has changed", async () => {
    const url = await server.createDatabase();
    await open(url);
    await server.query("INSERT INTO boxcar.migration (version) VALUES (1000)", url);
    await expect(open(url)).rejects.toMatchObject({ code: "queue-too-new", blame: "host" });
  });

  it("rejects with upstream, not with a bug, where the database refuses", async () => {
    await expect(open(server.url("no_such_database"))).rejects.toMatchObject({ blame: "upstream" });
    await expect(open("postgres://postgres:secret@127.0.0.1:1/x")).rejects.toMatchObject({
      ...UNREACHABLE,
      message: expect.not.stringContaining("secret"),
    });
  });

  it("frees what a claimer holds who is stopped in the middle of a step", async () => {
    const url = await server.createDatabase();
    const queue = await open(url);
    const { taskId } = await queue.submit({ payload: {} });
    const rude = await import("pg").then(({ default: { Client } }) => new Client({ connectionString: url }));
    await rude.connect();
    await rude.query("BEGIN; SET LOCAL idle_in_transaction_session_timeout = '1s'");
    await rude.query("SELECT * FROM boxcar.task FOR UPDATE");
    const gone = new Promise((resolve) => rude.on("error", resolve));
    const claim = claimOne(openDriver(queue));
    await gone;
    expect((await claim).task.taskId).toBe(taskId);
  });
});
