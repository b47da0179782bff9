import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { TakenPicture } from "../../../src/feature/screens/pictures.ts";
import type { RunReportParts } from "../../../src/worker/run-report.ts";
import { PostgresServer } from "../../postgres-server.ts";
import { TaskService } from "./task-service.ts";

const REPORT: RunReportParts = {
  phases: [
    { name: "image", startedAt: "2026-01-01T10:00:00.000Z", durationMs: 20 },
    { name: "run", startedAt: "2026-01-01T10:00:01.000Z" },
  ],
  steps: [
    { name: "build", exitCode: 0, durationMs: 5 },
    { name: "test", skipped: true },
  ],
  image: { digest: `sha256:${"0".repeat(64)}` },
  ...{ machine: "1 CPU, 256 MiB", accelerator: "tcg", start: "booted", workerId: "worker-1" },
};

let server: PostgresServer;
let service: TaskService;

beforeAll(async () => {
  server = await PostgresServer.start();
  service = await TaskService.start(server);
});

afterAll(async () => {
  await service[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

const get = (path: string) => service.client.get(path);

describe("the report of a run", () => {
  it("is what its worker says while it runs, and what was kept then", async () => {
    const claim = await service.claim();
    const { taskId } = claim.task;
    const run = `/api/v1/tasks/${taskId}/runs/latest`;
    const announced = service.host.runs.live.announce(taskId, 0, { report: REPORT });
    expect((await get(run)).json).toEqual({ taskId, runId: 0, state: "running", ...REPORT });
    announced[Symbol.dispose]();
    const content = JSON.stringify(REPORT);
    await service.put(claim, "public/logs/run.json", { content, contentType: "application/json" });
    await claim.resolve({ kind: "failed", exitCode: 7, message: "exit code 7" });
    expect((await get(run)).json).toEqual({
      ...{ taskId, runId: 0, state: "failed", exitCode: 7, message: "exit code 7" },
      ...REPORT,
    });
  });

  it("is short where nobody has claimed it, or nothing was kept", async () => {
    const { taskId } = await service.queue.submit({ payload: {}, queue: "elsewhere" });
    const report = { taskId, runId: 0, state: "pending", phases: [], steps: [] };
    expect((await get(`/api/v1/tasks/${taskId}/runs/0`)).json).toEqual(report);
    const { run } = await service.finished({});
    expect((await get(run)).json).toMatchObject({ state: "completed", workerId: "worker-1", phases: [] });
  });

  it("is what the queue knows where the worker that has it is not there", async () => {
    const { taskId, run } = await service.finished({ "public/logs/run.json": { content: JSON.stringify(REPORT) } });
    const sql = `UPDATE boxcar.artifact SET store = 'another-host' WHERE task_id = '${taskId}'`;
    await server.query(sql, service.databaseUrl);
    expect(await get(run)).toMatchObject({ status: 200, json: { state: "completed", phases: [] } });
  });

  it.each([
    ["/api/v1/tasks/no-such-task/runs/0", 404, "task-not-found"],
    ["/api/v1/tasks/no-such-task/runs/zero", 400, "bad-request"],
  ])("is not at %s", async (path, status, code) => {
    expect(await get(path)).toMatchObject({ status, json: { code } });
  });

  it("is not of a run that there is not", async () => {
    const { taskId } = await service.finished({});
    expect(await get(`/api/v1/tasks/${taskId}/runs/1`)).toMatchObject({ status: 404, json: { code: "run-not-found" } });
    const { taskId: waiting } = await service.queue.submit({ payload: {}, dependencies: [taskId], queue: "elsewhere" });
    const unscheduled = await service.queue.submit({ payload: {}, dependencies: [waiting], queue: "elsewhere" });
    const answer = await get(`/api/v1/tasks/${unscheduled.taskId}/runs/latest`);
    expect(answer).toMatchObject({ status: 404, json: { code: "run-not-found" } });
  });
});

const PNG = Buffer.from("\x89PNG\r\n\x1a\n and more", "latin1");

function picture(second: number, name: string): TakenPicture {
  const artifact = {
    name: `public/screens/${name}`,
    sizeBytes: PNG.length,
    sha256: "0".repeat(64),
    contentType: "image/png",
  };
  return { time: `2026-01-01T10:00:0${second}.000Z`, name, artifact };
}

describe("pictures of the screen of a run", () => {
  it("are there while it runs, and when it is over", async () => {
    const claim = await service.claim();
    const { taskId } = claim.task;
    const run = `/api/v1/tasks/${taskId}/runs/0`;
    const directory = join(service.folder, "live");
    await mkdir(join(directory, "public/screens"), { recursive: true });
    await writeFile(join(directory, "public/screens/a.png"), PNG);
    const pictures = [picture(1, "a.png")];
    const announced = service.host.runs.live.announce(taskId, 0, { screens: { source: { pictures }, directory } });
    expect((await get(`${run}/screenshots`)).json).toEqual([{ time: "2026-01-01T10:00:01.000Z", name: "a.png" }]);
    const live = await get(`${run}/screenshots/a.png`);
    expect(live).toMatchObject({ status: 200, headers: { "content-type": "image/png", etag: `"${"0".repeat(64)}"` } });
    expect(live.bytes.equals(PNG)).toBe(true);
    pictures.push(picture(2, "b.png"));
    expect((await get(`${run}/screenshots`)).json).toHaveLength(2);
    expect(await get(`${run}/screenshots/c.png`)).toMatchObject({ status: 404 });

    // It is with the queue, which has not been told that the run is over.
    await rm(directory, { recursive: true });
    await service.put(claim, "public/screens/a.png", { content: PNG, contentType: "image/png" });
    expect(await get(`${run}/screenshots/a.png`)).toMatchObject({ status: 200 });
    announced[Symbol.dispose]();
    const index = JSON.stringify([{ time: "2026-01-01T10:00:01.000Z", file: "a.png" }]);
    await service.put(claim, "public/screens/index.json", { content: index, contentType: "application/json" });
    await claim.resolve({ kind: "completed" });
    expect((await get(`${run}/screenshots`)).json).toEqual([{ time: "2026-01-01T10:00:01.000Z", name: "a.png" }]);
    const kept = await get(`${run}/screenshots/a.png`);
    expect(kept.headers["cache-control"]).toContain("immutable");
    expect(kept.bytes.equals(PNG)).toBe(true);
  });

  it("are none where it took none", async () => {
    const { run } = await service.finished({});
    expect((await get(`${run}/screenshots`)).json).toEqual([]);
  });

  it.each([
    "no JSON",
    "{}",
    '[5, null, {}, {"time": "x", "file": "a.png"}, {"time": "2026-01-01T10:00:00Z", "file": "../a.png"}]',
    '[{"time": "2026-01-01T10:00:00Z", "file": "not-kept.png"}]',
    `[${" ".repeat(2_000_000)}]`,
  ])("are none where a task wrote the index: %.20s", async (content) => {
    const { run } = await service.finished({ "public/screens/index.json": { content } });
    expect(await get(`${run}/screenshots`)).toMatchObject({ status: 200, json: [] });
  });

  it.each([
    ["..%2flogs%2ftask.log", 400],
    ["..", 400],
    ["a%2fb", 400],
    ["a%00", 400],
    ["another.png", 404],
  ])("are not at %s", async (name, status) => {
    const { run } = await service.finished({ "public/logs/task.log": { content: "secret" } });
    expect((await get(`${run}/screenshots/${name}`)).status).toBe(status);
  });
});
