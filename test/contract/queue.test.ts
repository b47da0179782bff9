import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import { HostArtifacts } from "../../src/artifact/host-artifacts.ts";
import { EmbeddedDatabase } from "../../src/queue/embedded/embedded-database.ts";
import { type ConnectionSource, connectionOfUrl } from "../../src/queue/postgres/connection.ts";
import { PostgresQueue } from "../../src/queue/postgres/postgres-queue.ts";
import { SoleDirectory } from "../../src/queue/sole-worker.ts";
import { PostgresServer } from "../postgres-server.ts";
import { describeQueue, type QueueHarness } from "./queue.ts";
import { describeQueueEvents, type QueueEventsHarness } from "./queue-events.ts";
import { describeTaskQueue, type TaskQueueHarness } from "./task-queue.ts";
import { type DirectoryHarness, describeWorkerDirectory } from "./worker-directory.ts";

const LEASE_MS = 1_000;

async function openQueue(connection: ConnectionSource, folder: string) {
  const files = await HostArtifacts.open(join(folder, "artifacts"));
  const queue = await PostgresQueue.open({ connection, files });
  const openDriver = async ({ workerId, queue: name = "default" }: { workerId: string; queue?: string }) =>
    queue.openDriver({ queue: name, workerId, leaseMs: LEASE_MS, maxWaitMs: 500 });
  const others: PostgresQueue[] = [];
  const openOther = async () => {
    const other = await PostgresQueue.open({ connection, files });
    others.push(other);
    return other;
  };
  const harness = {
    queue,
    directory: queue.workers,
    openOther: async () => (await openOther()).workers,
    openEvents: async () => (await openOther()).events,
    openDriver,
    submit: async (definition) => (await queue.submit(definition)).taskId,
    cancel: async (taskId) => void (await queue.cancel(taskId)),
    show: (taskId) => queue.show(taskId),
    artifacts: (taskId) => queue.artifacts(taskId),
    [Symbol.asyncDispose]: async () => {
      for (const other of others) await other[Symbol.asyncDispose]();
      await queue[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  } satisfies QueueHarness & TaskQueueHarness & QueueEventsHarness & DirectoryHarness;
  return harness;
}

let server: PostgresServer;

beforeAll(async () => {
  server = await PostgresServer.start();
});

afterAll(() => server[Symbol.asyncDispose]());

async function postgres() {
  return await openQueue(connectionOfUrl(await server.createDatabase()), await mkdtemp("/tmp/bxq-"));
}

async function embedded() {
  const folder = await mkdtemp("/tmp/bxq-");
  const database = await EmbeddedDatabase.open({ directory: join(folder, "queue"), runDir: join(folder, "run") });
  return await openQueue(database, folder);
}

for (const [name, start] of Object.entries({ postgres, embedded })) {
  describeQueue(name, start, { leaseMs: LEASE_MS, emptyClaimMs: 10_000 });
  describeTaskQueue(name, start);
  describeQueueEvents(name, start);
  describeWorkerDirectory(name, start);
}

describeWorkerDirectory("of a worker alone", async () => ({
  directory: new SoleDirectory(),
  [Symbol.asyncDispose]: async () => {},
}));
