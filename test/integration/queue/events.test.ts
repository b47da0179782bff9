/** Events of a queue whose database breaks connections. */
import { mkdtemp, rm } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { HostArtifacts } from "../../../src/artifact/host-artifacts.ts";
import { connectionOfUrl } from "../../../src/queue/postgres/connection.ts";
import { PostgresQueue } from "../../../src/queue/postgres/postgres-queue.ts";
import { until } from "../../contract/queue.ts";
import { EventLog } from "../../contract/queue-events.ts";
import { PostgresServer } from "../../postgres-server.ts";

let server: PostgresServer;

beforeAll(async () => {
  server = await PostgresServer.start();
});

afterAll(() => server[Symbol.asyncDispose]());

async function open() {
  const url = await server.createDatabase();
  const folder = await mkdtemp("/tmp/bxq-");
  onTestFinished(() => rm(folder, { recursive: true }));
  const queue = await PostgresQueue.open({ connection: connectionOfUrl(url), files: await HostArtifacts.open(folder) });
  // These are called in the reverse order.
  onTestFinished(() => queue[Symbol.asyncDispose]());
  const breakListener = () =>
    server.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query ~ 'LISTEN' AND pid <> pg_backend_pid()",
    );
  return { queue, url, breakListener };
}

describe("events of a queue in PostgreSQL", () => {
  it("have a gap where the connection broke, and come again after it", async () => {
    const { queue, breakListener } = await open();
    const log = new EventLog();
    await queue.events.watch(log);
    await breakListener();
    await log.until(() => log.gaps === 1);
    const { taskId } = await queue.submit({ payload: {} });
    await log.until(() => log.statesOf(taskId).length === 1);
    expect(log.gaps).toBe(1);
  });

  it("come to who begins to watch while there is no connection", async () => {
    const { queue, breakListener } = await open();
    await server.stop();
    const log = new EventLog();
    await queue.events.watch(log);
    await server.start();
    await breakListener();
    await log.until(() => log.gaps > 0);
    await until(() =>
      queue.submit({ payload: {} }).then(
        () => true,
        () => false,
      ),
    );
    await log.until(() => log.events.length > 0);
  });

  it("are told before the process that caused them ends", async () => {
    const { queue, url } = await open();
    const log = new EventLog();
    await queue.events.watch(log);
    const folder = await mkdtemp("/tmp/bxq-");
    onTestFinished(() => rm(folder, { recursive: true }));
    const connection = connectionOfUrl(url);
    const other = await PostgresQueue.open({ connection, files: await HostArtifacts.open(folder) });
    const { taskId } = await other.submit({ payload: {} });
    await other[Symbol.asyncDispose]();
    await log.until(() => log.statesOf(taskId).length === 1);
  });
});
