import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { HostArtifacts } from "../../../src/artifact/host-artifacts.ts";
import type { Resolution } from "../../../src/queue/driver.ts";
import { EmbeddedDatabase } from "../../../src/queue/embedded/embedded-database.ts";
import { PostgresQueue } from "../../../src/queue/postgres/postgres-queue.ts";
import type { TaskStatus } from "../../../src/queue/task.ts";
import type { ArtifactEntry, TaskDetails } from "../../../src/queue/task-queue.ts";
import { claimOne } from "../../contract/queue.ts";

const BOXCAR = fileURLToPath(new URL("../../../bin/boxcar.js", import.meta.url));

let directory: string;
/** Keeps the server of the embedded queue alive for all commands, and claims what they submit. */
let queue: PostgresQueue;
let count = 0;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "bxc-"));
  const state = join(directory, "state");
  const connection = await EmbeddedDatabase.open({ directory: join(state, "queue"), runDir: join(directory, "run") });
  queue = await PostgresQueue.open({ connection, files: await HostArtifacts.open(join(state, "artifacts")) });
});

afterAll(async () => {
  await queue[Symbol.asyncDispose]();
  await rm(directory, { recursive: true });
});

function start(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const folders = { BOXCAR_STATE_DIR: join(directory, "state"), BOXCAR_RUN_DIR: join(directory, "run") };
  const surroundings = { PATH: process.env["PATH"] ?? "", HOME: directory, ...folders, ...env };
  return execa(process.execPath, [BOXCAR, "queue", ...args], {
    ...{ cwd: directory, env: surroundings, extendEnv: false, reject: false, stdin: "ignore" },
  });
}

/** What it prints, if it succeeds. */
async function boxcar(...args: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await start(args);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  return stdout;
}

async function json<T>(verb: string, ...args: string[]): Promise<T> {
  return JSON.parse(await boxcar(verb, "--json", ...args)) as T;
}

/** In the folder of the commands. */
async function write(name: string, text: string): Promise<string> {
  await writeFile(join(directory, name), text);
  return name;
}

/** A task queue of which no other test knows. */
function newQueue(): string {
  return `queue-${count++}`;
}

async function claim(name: string) {
  return await claimOne(queue.openDriver({ queue: name, workerId: "here", leaseMs: 60_000 }));
}

/** An id that begins as it is told. */
function idOf(begin: string): string {
  return begin.padEnd(22, "A");
}

describe("boxcar queue submit", () => {
  it("takes a payload, and what the flags say beside it", async () => {
    const file = await write("payload.yml", "command: [make, test]\nenv: { CI: '1' }\n");
    const flags = ["--name", "a build", "--priority", "high", "--deadline", "2 hours", "--image", "mine"];
    const name = newQueue();
    const taskId = await boxcar("submit", file, "--queue", name, ...flags);
    expect(taskId).toMatch(/^[A-Za-z0-9_-]{22}$/);
    const task = await queue.show(taskId);
    expect(task).toMatchObject({ state: "pending", queue: name, priority: "high", name: "a build" });
    expect(task.definition.payload).toEqual({ command: ["make", "test"], env: { CI: "1" }, image: "mine" });
    expect(task.deadline.getTime() - task.created.getTime()).toBe(2 * 3_600_000);
  });

  it("takes a task with a payload in it, of which a command replaces the steps", async () => {
    const task = { retries: 2, priority: "low", payload: { steps: [{ name: "a", command: ["true"] }] } };
    const file = await write("task.json", JSON.stringify(task));
    const { taskId, priority, retriesLeft } = await json<TaskStatus>("submit", file, "--", "sh", "-c", "exit 3");
    expect({ priority, retriesLeft }).toEqual({ priority: "low", retriesLeft: 2 });
    expect((await queue.show(taskId)).definition.payload).toEqual({ command: ["sh", "-c", "exit 3"] });
  });

  it("makes a task wait for others, which are named as far as that tells them from others", async () => {
    const first = await queue.submit({ payload: {} }, { taskId: idOf("Needed-") });
    const taskId = await boxcar("submit", "--depends-on", "Needed-", "--", "true");
    expect(await queue.show(taskId)).toMatchObject({ state: "unscheduled", dependencies: [first.taskId] });
    expect(await boxcar("show", taskId)).toMatch(new RegExp(`It waits for:\\n +${first.taskId} +pending`));
  });

  it("leaves the payload to the worker where it is told to", async () => {
    const file = await write("newer.yml", "command: [true]\nfuture: 1\n");
    const taskId = await boxcar("submit", file, "--no-validate");
    expect((await queue.show(taskId)).definition.payload).toEqual({ command: [true], future: 1 });
  });

  it.each<[Resolution | "canceled", number, string]>([
    [{ kind: "completed" }, 0, "completed"],
    [{ kind: "failed", exitCode: 7 }, 1, "failed: exit code 7"],
    [{ kind: "exception", reason: "malformed-payload" }, 2, "exception: malformed-payload"],
    [{ kind: "exception", reason: "resource-unavailable" }, 3, "exception: resource-unavailable"],
    ["canceled", 130, "exception: canceled"],
  ])("waits for the end of the task, and exits as boxcar run does: %o", async (resolution, exitCode, said) => {
    const name = newQueue();
    const waiting = start(["submit", "--wait", "--queue", name, "--", "true"]);
    const run = await claim(name);
    if (resolution === "canceled") await queue.cancel(run.task.taskId);
    else await run.resolve(resolution);
    expect(await waiting).toMatchObject({ exitCode, stdout: said, stderr: run.task.taskId });
  });

  it("stops waiting when it is interrupted, and says that the task goes on", async () => {
    const name = newQueue();
    const waiting = start(["submit", "--wait", "--queue", name, "--", "true"]);
    // It waits from when it has said the id.
    waiting.stderr?.once("data", () => waiting.kill("SIGINT"));
    const { taskId } = (await claim(name)).task;
    const { exitCode, stderr } = await waiting;
    expect(exitCode).toBe(130);
    expect(stderr).toContain(`"boxcar queue cancel ${taskId}" ends it`);
    expect((await queue.show(taskId)).state).toBe("running");
  });
});

describe("boxcar queue list", () => {
  it("shows the newest first, as far as the filters say", async () => {
    const name = newQueue();
    const ids: string[] = [];
    for (let index = 0; index < 4; index++) ids.unshift((await queue.submit({ payload: {}, queue: name })).taskId);
    const [newest, second, third, oldest] = ids as [string, string, string, string];
    await queue.cancel(third);
    const run = await claim(name);
    expect(run.task.taskId).toBe(oldest);
    const list = async (...flags: string[]) =>
      (await json<TaskStatus[]>("list", "--queue", name, ...flags)).map(({ taskId }) => taskId);
    expect(await list()).toEqual(ids);
    expect(await list("--state", "pending")).toEqual([newest, second]);
    expect(await list("--state", "running", "exception")).toEqual([third, oldest]);
    expect(await list("--limit", "2")).toEqual([newest, second]);
    expect(await list("--before", second)).toEqual([third, oldest]);
    expect(await list("--state", "completed")).toEqual([]);
  });

  it("is a table for people, and says what to do where there is nothing", async () => {
    const name = newQueue();
    expect(await boxcar("list", "--queue", name)).toContain('"boxcar queue submit" makes one');
    const { taskId } = await queue.submit({ payload: {}, queue: name, metadata: { name: "a build" } });
    const [head, row] = (await boxcar("ls", "--queue", name)).split("\n");
    expect(head).toMatch(/^TASK +STATE +NAME +QUEUE +PRIORITY +RUNS +SUBMITTED/);
    expect(row).toMatch(new RegExp(`^${taskId} +pending +a build +${name} +medium +1 `));
  });
});

describe("boxcar queue show, cancel and rerun", () => {
  it("take as much of an id as tells it from others", async () => {
    const name = newQueue();
    const { taskId } = await queue.submit({ payload: { command: ["true"] }, queue: name }, { taskId: idOf("Only-") });
    expect(await json<TaskDetails>("show", "Only")).toMatchObject({ taskId, state: "pending", waitsFor: [] });
    expect(await boxcar("cancel", "On", "--reason", "not needed")).toBe(`${taskId} exception: canceled`);
    const text = await boxcar("show", "Only-");
    expect(text).toMatch(/^state +exception: canceled$/m);
    expect(text).toMatch(/^0 +scheduled +exception: canceled +- .* not needed$/m);
    expect(await boxcar("rerun", taskId)).toBe(`${taskId} pending`);
    expect((await claim(name)).task).toMatchObject({ taskId, runId: 1 });
  });

  it("change several tasks, and leave what has ended as it is", async () => {
    const name = newQueue();
    const waits = await queue.submit({ payload: {}, queue: name, priority: "low" });
    const ended = await queue.submit({ payload: {}, queue: name });
    await (await claim(name)).resolve({ kind: "completed" });
    const changed = await json<TaskStatus[]>("cancel", ended.taskId, waits.taskId);
    expect(changed.map(({ state }) => state)).toEqual(["completed", "exception"]);
  });

  it("tell the worker that runs the task", async () => {
    const name = newQueue();
    const { taskId } = await queue.submit({ payload: {}, queue: name });
    const run = await claim(name);
    const lost = new Promise((resolve) => run.lost.addEventListener("abort", () => resolve(run.lost.reason)));
    await boxcar("cancel", taskId, "--reason", "enough");
    expect(await lost).toMatchObject({ reason: "canceled", message: expect.stringContaining("enough") });
  });
});

describe("boxcar queue artifacts", () => {
  it("shows what was kept of a run, and where", async () => {
    const name = newQueue();
    const { taskId } = await queue.submit({ payload: {}, queue: name, retries: 1 });
    const first = await claim(name);
    const file = join(directory, await write("result.txt", "result"));
    const artifact = { file, sizeBytes: 6, sha256: "0".repeat(64), contentType: "text/plain" };
    const { signal } = new AbortController();
    await first.artifacts.putFile({ name: "public/result.txt", ...artifact }, signal);
    const missing = { reason: "file-missing-on-worker", message: "there is no /nowhere" } as const;
    await first.artifacts.putError({ name: "public/other", ...missing }, signal);
    await first.resolve({ kind: "exception", reason: "intermittent-task" });
    const kept = join(directory, "state/artifacts", taskId, "0/public/result.txt");
    const [error, result] = await json<ArtifactEntry[]>("artifacts", taskId, "--run", "0");
    expect(result).toMatchObject({ name: "public/result.txt", sizeBytes: 6, contentType: "text/plain", file: kept });
    expect(error).toMatchObject({ name: "public/other", error: missing });
    expect(await boxcar("artifacts", taskId)).toBe("There are no artifacts of that run.");
    const text = await boxcar("artifacts", taskId, "--run", "0");
    expect(text).toMatch(new RegExp(`^public/result.txt +6 B +text/plain +${kept}$`, "m"));
    expect(text).toContain("file-missing-on-worker: there is no /nowhere");
  });
});

describe("boxcar queue, when something is wrong", () => {
  it.each<[string, string[], string]>([
    ["no task", ["submit"], "give a task file, or a command after --"],
    ["two files", ["submit", "a.yml", "b.yml"], "one task file, please, not 2"],
    ["a file that is not there", ["submit", "nowhere.yml"], "nowhere.yml"],
    ["an unknown priority", ["submit", "--priority", "urgent", "--", "true"], "very-high"],
    ["a deadline that is no time", ["submit", "--deadline", "soon", "--", "true"], 'such as "1 day 2 hours"'],
    ["a deadline after the end of all", ["submit", "--deadline", "90 days", "--", "true"], "let it expire later"],
    ["a dependency that is not there", ["submit", "--depends-on", "nowhere", "--", "true"], "there is no task nowhere"],
    ["an unknown state", ["list", "--state", "done"], "completed"],
    ["a limit that is no number", ["list", "--limit", "many"], "it must be a number"],
    ["an unknown task", ["show", "nowhere"], "there is no task nowhere"],
    ["an unknown whole id", ["cancel", idOf("nowhere")], `there is no task ${idOf("nowhere")}`],
    ["no reference", ["cancel"], "task"],
    ["an unknown command", ["shwo"], "show"],
  ])("says it in a sentence, and exits with 2: %s", async (_what, args, said) => {
    const { exitCode, stdout, stderr } = await start(args);
    expect(stderr).toContain(said);
    expect(stderr).not.toMatch(/^ +at /m);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
  });

  it("names several tasks that begin so", async () => {
    for (const begin of ["Twice-1", "Twice-2"]) await queue.submit({ payload: {} }, { taskId: idOf(begin) });
    const { exitCode, stderr } = await start(["show", "Twice"]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: expect.stringContaining(idOf("Twice-2")) });
  });

  it("tells every issue of a payload, and submits nothing", async () => {
    const name = newQueue();
    const file = await write("bad.yml", "command: 5\nmaxRunTime: soon\n");
    const { exitCode, stderr } = await start(["submit", file, "--queue", name]);
    expect(exitCode).toBe(2);
    for (const part of ["bad.yml", "command", "maxRunTime"]) expect(stderr).toContain(part);
    expect(await queue.list({ queue: name })).toEqual([]);
  });

  it("exits with 3 when the queue cannot be reached, and does not tell its password", async () => {
    const config = {
      queue: { driver: "postgres", postgres: { url: "postgres://me:hidden@127.0.0.1:1/tasks" } },
    };
    const file = await write("away.json", JSON.stringify(config));
    const { exitCode, stderr } = await start(["list", "--config", file]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 3, stderr: expect.stringContaining("127.0.0.1:1/tasks") });
    expect(stderr).not.toContain("hidden");
  });

  it("says whose tools are for the tasks of Taskcluster", async () => {
    const file = await write("taskcluster.json", JSON.stringify({ queue: { driver: "taskcluster" } }));
    const { exitCode, stderr } = await start(["list", "--config", file]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: expect.stringContaining("taskcluster") });
  });
});
