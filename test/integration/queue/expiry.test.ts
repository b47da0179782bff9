import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { HostArtifacts } from "../../../src/artifact/host-artifacts.ts";
import type { ArtifactFiles } from "../../../src/queue/artifact-files.ts";
import type { Claim } from "../../../src/queue/driver.ts";
import { connectionOfUrl } from "../../../src/queue/postgres/connection.ts";
import { PostgresQueue } from "../../../src/queue/postgres/postgres-queue.ts";
import { claimOne, until } from "../../contract/queue.ts";
import { PostgresServer } from "../../postgres-server.ts";

/** Enough to claim and resolve a few tasks, and to keep what is theirs. */
const DEADLINE_S = 4;
const EXPIRES_S = 5;

const TABLES = ["boxcar.task", "boxcar.dependency", "boxcar.artifact", "boxcar_jobs.job"];

let server: PostgresServer;
let url: string;
let folder: string;
let files: HostArtifacts;

beforeAll(async () => {
  server = await PostgresServer.start();
});

afterAll(() => server[Symbol.asyncDispose]());

beforeEach(async () => {
  url = await server.createDatabase();
  folder = await mkdtemp(join(tmpdir(), "bxe-"));
  files = await HostArtifacts.open(join(folder, "artifacts"));
});

afterEach(() => rm(folder, { recursive: true }));

function open(own: ArtifactFiles = files): Promise<PostgresQueue> {
  return PostgresQueue.open({ connection: connectionOfUrl(url), files: own });
}

function claim(queue: PostgresQueue): Promise<Claim> {
  return claimOne(queue.openDriver({ queue: "default", workerId: "here", leaseMs: 60_000, maxWaitMs: 500 }));
}

async function putFile({ artifacts }: Claim, name: string, expires?: Date): Promise<void> {
  const file = join(folder, "new");
  await writeFile(file, "text");
  const facts = { name, file, sizeBytes: 4, sha256: "0".repeat(64), contentType: "text/plain" };
  await artifacts.putFile({ ...facts, ...(expires && { expires }) }, new AbortController().signal);
}

/** How many rows each table has. */
async function rows(): Promise<Record<string, unknown>> {
  const counts = TABLES.map((table) => `(SELECT count(*)::int FROM ${table}) AS "${table}"`);
  const [found] = await server.query(`SELECT ${counts.join(", ")}`, url);
  return found ?? {};
}

const keptTasks = async () => (await readdir(files.directory)).filter((name) => name !== ".id");

describe("what has expired", () => {
  it("leaves nothing behind: no rows, no jobs, no files", async () => {
    const short = { payload: {}, deadline: DEADLINE_S, expires: EXPIRES_S };
    {
      await using queue = await open();
      await queue.submit({ ...short, priority: "high", retries: 1 });
      await queue.submit({ ...short, priority: "high" });
      const pending = await queue.submit(short);
      await queue.submit({ ...short, dependencies: [pending.taskId], supersede: "key" });
      const ended = await claim(queue);
      await putFile(ended, "public/a/1");
      // No files: one stands where a folder is, the other where no file can be.
      for (const name of ["public/a", `public/${"n".repeat(300)}`]) await putFile(ended, name);
      // As a worker leaves it that is killed between a file and what is known of it.
      const { taskId, runId } = ended.task;
      await writeFile(join(dirname(files.pathOf({ taskId, runId, name: "public/a" })), ".half.part"), "te");
      await ended.resolve({ kind: "completed" });
      const running = await claim(queue);
      await putFile(running, "task.log");
      expect(await rows()).toMatchObject({ "boxcar.task": 4, "boxcar.artifact": 4, "boxcar_jobs.job": 2 });
      expect((await keptTasks()).sort()).toEqual([taskId, running.task.taskId].sort());
      await until(async () => (await queue.list()).length === 0);
    }
    await using _other = await open();
    await until(async () => (await keptTasks()).length === 0);
    await until(async () => (await rows())["boxcar.artifact"] === 0);
    expect(await rows()).toEqual(Object.fromEntries(TABLES.map((table) => [table, 0])));
  });

  it("is removed one artifact after the other, while their task stays", async () => {
    let taskId: string;
    {
      await using queue = await open();
      ({ taskId } = await queue.submit({ payload: {} }));
      const run = await claim(queue);
      await putFile(run, "short.txt", new Date());
      await putFile(run, "long.txt");
      await run.resolve({ kind: "completed" });
      expect((await queue.artifacts(taskId)).map(({ name }) => name)).toEqual(["long.txt"]);
    }
    await using queue = await open();
    await until(async () => (await readdir(join(files.directory, taskId, "0"))).length === 1);
    expect(await readdir(join(files.directory, taskId, "0"))).toEqual(["long.txt"]);
    expect((await queue.show(taskId)).state).toBe("completed");
  });

  it("is left where another host has it", async () => {
    const other = await HostArtifacts.open(join(folder, "of another host"));
    {
      await using queue = await open(other);
      await queue.submit({ payload: {} });
      const run = await claim(queue);
      await putFile(run, "a", new Date());
      await run.resolve({ kind: "completed" });
    }
    {
      await using queue = await open();
      // Its own are removed meanwhile.
      await queue.submit({ payload: {} });
      const run = await claim(queue);
      await putFile(run, "b", new Date());
    }
    await using _queue = await open();
    await until(async () => (await keptTasks()).length === 0);
    expect(await rows()).toMatchObject({ "boxcar.artifact": 1 });
    expect((await readdir(other.directory)).length).toBe(2);
  });
});

it("keeps no bytes of an artifact whose run was lost while it was taken over", async () => {
  await using queue = await open();
  const { taskId } = await queue.submit({ payload: {} });
  const put: ArtifactFiles["put"] = async (key, file, signal) => {
    await files.put(key, file, signal);
    await queue.cancel(taskId);
  };
  const canceling: ArtifactFiles = {
    ...{ id: files.id, put, pathOf: (key) => files.pathOf(key), remove: (key) => files.remove(key) },
    removeTask: (id) => files.removeTask(id),
  };
  await using worker = await open(canceling);
  const run = await claim(worker);
  await expect(putFile(run, "a")).rejects.toMatchObject({ reason: "canceled" });
  expect(await keptTasks()).toEqual([]);
  expect(await rows()).toMatchObject({ "boxcar.artifact": 0 });
});
