import { mkdtemp, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { HostArtifacts } from "../../../src/artifact/host-artifacts.ts";
import { EmbeddedDatabase } from "../../../src/queue/embedded/embedded-database.ts";
import { connectionOfUrl } from "../../../src/queue/postgres/connection.ts";
import { PostgresQueue } from "../../../src/queue/postgres/postgres-queue.ts";
import { PostgresServer } from "../../postgres-server.ts";
import { Claimer } from "./claimers.ts";

const CLAIMERS = 4;
const LEASE_MS = 2_000;
const PRIORITIES = ["high", "medium", "low"] as const;

/** All tasks complete, each is run by one process at a time, although some of them are killed again and again. */
async function soak(
  queue: PostgresQueue,
  start: () => Claimer,
  count: number,
): Promise<{ lines: string[]; kills: number }> {
  const ids: string[] = [];
  const submitting = Promise.all(
    Array.from({ length: 8 }, async (_, lane) => {
      for (let index = lane; index < count; index += 8) {
        const dependencies = index % 10 === 9 && ids.length > 0 ? [ids[ids.length - 1] as string] : [];
        const priority = PRIORITIES[index % 3] ?? "medium";
        ids.push((await queue.submit({ payload: { index }, retries: 49, priority, dependencies })).taskId);
      }
    }),
  );
  const claimers = Array.from({ length: CLAIMERS }, start);
  const lines: string[] = [];
  let kills = 0;
  const isOver = async () => {
    if (ids.length < count) return false;
    return (await queue.list({ states: ["unscheduled", "pending", "running"], limit: 1 })).length === 0;
  };
  while (!(await isOver())) {
    await delay(200 + Math.random() * 400);
    const index = Math.floor(Math.random() * CLAIMERS);
    const victim = claimers[index];
    if (victim?.lines.some((line) => line.startsWith("done")) !== true) continue;
    await victim.end("SIGKILL");
    lines.push(...victim.lines);
    claimers[index] = start();
    kills++;
  }
  await submitting;
  for (const claimer of claimers) {
    await claimer.end("SIGTERM");
    lines.push(...claimer.lines);
  }
  return { lines, kills };
}

async function check(queue: PostgresQueue, count: number, { lines, kills }: Awaited<ReturnType<typeof soak>>) {
  expect(kills).toBeGreaterThan(2);
  expect(lines.filter((line) => line.startsWith("twice"))).toEqual([]);
  const tasks = await queue.list({ limit: count + 1 });
  expect(tasks).toHaveLength(count);
  for (const { state, runs } of tasks) {
    expect(state).toBe("completed");
    expect(runs.slice(0, -1).every(({ reason }) => reason === "claim-expired")).toBe(true);
    expect(runs.filter((run) => run.state === "completed")).toHaveLength(1);
  }
}

describe("four claimers of which some are killed", () => {
  it("lose none of 2,000 tasks, and run none twice at once: postgres", async () => {
    const folder = await mkdtemp("/tmp/bxq-");
    await using server = await PostgresServer.start({ settings: "" });
    const url = await server.createDatabase();
    {
      const connection = connectionOfUrl(url);
      await using queue = await PostgresQueue.open({
        connection,
        files: await HostArtifacts.open(join(folder, "artifacts")),
      });
      const start = () => new Claimer({ mode: "run", folder, url, leaseMs: LEASE_MS });
      await check(queue, 2_000, await soak(queue, start, 2_000));
      expect(await server.query("SELECT count(*)::int AS left FROM boxcar_jobs.job", url)).toEqual([{ left: 0 }]);
    }
    await rm(folder, { recursive: true });
  }, 180_000);

  it("lose none of 2,000 tasks, and run none twice at once: embedded", async () => {
    const folder = await mkdtemp("/tmp/bxq-");
    {
      const connection = await EmbeddedDatabase.open({ directory: join(folder, "queue"), runDir: join(folder, "run") });
      await using queue = await PostgresQueue.open({
        connection,
        files: await HostArtifacts.open(join(folder, "artifacts")),
      });
      const start = () => new Claimer({ mode: "run", folder, leaseMs: LEASE_MS });
      await check(queue, 2_000, await soak(queue, start, 2_000));
    }
    // The server is gone, and so is its lock.
    expect(await readdir(join(folder, "queue/data"))).not.toContain("postmaster.pid");
    await rm(folder, { recursive: true });
  }, 180_000);
});
