import { readFile } from "node:fs/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Boxcar, finish, untilPrinted } from "./boxcar.ts";
import { end, WorkerProcesses } from "./worker-process.ts";

let boxcar: Boxcar;
let workers: WorkerProcesses;

beforeEach(async () => {
  boxcar = await Boxcar.open();
  workers = await WorkerProcesses.open(boxcar);
});

afterEach(async () => {
  expect(await boxcar.leftovers()).toEqual([]);
  await boxcar[Symbol.asyncDispose]();
});

describe("boxcar worker", () => {
  it("runs what is submitted; its log is followed, its artifacts are kept", async () => {
    const taskId = await workers.submit("echo to the log; echo to the file > out", {
      artifacts: [{ name: "public/out.txt", path: "out" }],
    });
    const { worker } = await workers.start();
    const log = await workers.follow(taskId);
    expect(log).toMatch(
      new RegExp(`task ${taskId}, run 0, on the worker .*image sha256:.*\nto the log\n.*completed.*total`, "s"),
    );
    expect(await workers.ended(taskId)).toMatchObject({ state: "completed" });
    const { stdout } = await workers.run("queue", "artifacts", taskId, "--json");
    const artifacts = JSON.parse(stdout) as { name: string; file: string }[];
    expect(artifacts.map(({ name }) => name)).toContain("public/logs/task.log");
    const out = artifacts.find(({ name }) => name === "public/out.txt");
    expect(await readFile(out?.file ?? "", "utf8")).toBe("to the file\n");
    // What was followed is what was kept.
    expect((await workers.run("queue", "logs", taskId)).stdout).toBe(log);
    const status = JSON.parse((await workers.run("worker", "status", "--json")).stdout) as object;
    expect(status).toMatchObject({ state: "claiming", running: [], finished: { total: 1, byEnd: { completed: 1 } } });
    expect(await end(worker)).toMatchObject({ exitCode: 0 });
  });

  it("drains at the first signal: the task ends, and no other is claimed", async () => {
    const first = await workers.submit("echo up; sleep 2; echo done");
    const { worker } = await workers.start();
    await workers.untilLogged(first, "\nup\n");
    worker.kill("SIGTERM");
    await untilPrinted(worker, "stderr", "claims no more tasks");
    const second = await workers.submit("true");
    expect(await finish(worker)).toMatchObject({ exitCode: 0 });
    expect(await workers.show(first)).toMatchObject({ state: "completed" });
    expect(await workers.show(second)).toMatchObject({ state: "pending" });
  });

  it("stops at the second signal: what it ran is run again by another", async () => {
    const taskId = await workers.submit("echo up; test $RUN_ID = 1 || sleep 100");
    const { worker } = await workers.start();
    await workers.untilLogged(taskId, "\nup\n");
    worker.kill("SIGTERM");
    await untilPrinted(worker, "stderr", "claims no more tasks");
    worker.kill("SIGTERM");
    expect(await finish(worker)).toMatchObject({ exitCode: 0 });
    expect(await workers.show(taskId)).toMatchObject({
      state: "pending",
      runs: [{ state: "exception", reason: "worker-shutdown" }, { state: "pending" }],
    });
    const { worker: next } = await workers.start();
    expect(await workers.ended(taskId)).toMatchObject({ state: "completed" });
    await end(next);
  });

  it("that is killed leaves no machine, and its task is run again when its lease is over", async () => {
    const taskId = await workers.submit("echo up; test $RUN_ID = 1 || sleep 100");
    const { worker } = await workers.start();
    await workers.untilLogged(taskId, "\nup\n");
    await end(worker, "SIGKILL");
    const { worker: next } = await workers.start();
    expect(await boxcar.machines()).toEqual([]);
    expect(await workers.ended(taskId)).toMatchObject({
      state: "completed",
      runs: [{ state: "exception", reason: "claim-expired" }, { state: "completed" }],
    });
    await end(next);
  });

  it("that was suspended past its lease gives up its machine, and what another worker has done stays", async () => {
    const taskId = await workers.submit("echo up; test $RUN_ID = 1 || sleep 100");
    const { worker: first } = await workers.start();
    await workers.untilLogged(taskId, "\nup\n");
    first.kill("SIGSTOP");
    const { worker: second } = await workers.start("run2");
    expect(await workers.ended(taskId)).toMatchObject({ state: "completed", runs: [{ reason: "claim-expired" }, {}] });
    await end(second);
    const over = untilPrinted(first, "stderr", "a task is over: claim-expired");
    first.kill("SIGCONT");
    await over;
    expect(await boxcar.machines()).toEqual([]);
    expect(await workers.show(taskId)).toMatchObject({ state: "completed" });
    await end(first);
  });

  it("ends a task that is cancelled while it runs, in seconds", async () => {
    const taskId = await workers.submit("echo up; sleep 100");
    const { worker } = await workers.start();
    await workers.untilLogged(taskId, "\nup\n");
    const over = untilPrinted(worker, "stderr", "a task is over: canceled");
    expect(await workers.run("queue", "cancel", taskId)).toMatchObject({ exitCode: 0 });
    await over;
    expect(await boxcar.machines()).toEqual([]);
    expect(await workers.show(taskId)).toMatchObject({ state: "exception", runs: [{ reason: "canceled" }] });
    // Nobody else has the log of a run that was lost.
    expect((await workers.run("queue", "logs", taskId)).stdout).toContain("\nup\n");
    await end(worker);
  });

  it("does what an operator says", async () => {
    const { worker } = await workers.start();
    const paused = await workers.run("worker", "pause", "--reason", "a new disk");
    expect(paused.stdout).toMatch(/^paused: a new disk\n/);
    const taskId = await workers.submit("true");
    expect(await workers.show(taskId)).toMatchObject({ state: "pending" });
    await workers.run("worker", "resume");
    expect(await workers.ended(taskId)).toMatchObject({ state: "completed" });
    expect((await workers.run("worker", "drain")).stdout).toMatch(/^(draining|stopped)/);
    expect(await finish(worker)).toMatchObject({ exitCode: 0 });
    expect(await workers.run("worker", "status")).toMatchObject({
      exitCode: 3,
      stderr: expect.stringContaining("no worker runs here"),
    });
  });

  it("refuses to run twice at one place, and leaves the first alone", async () => {
    const { worker } = await workers.start();
    const { exitCode, stderr } = await workers.run("worker");
    expect(exitCode).toBe(3);
    expect(stderr).toContain("is there a worker already?");
    expect((await workers.run("worker", "status")).exitCode).toBe(0);
    await end(worker);
  });

  it("keeps machines ready in its pool for the tasks that come", async () => {
    const pooled = await WorkerProcesses.open(boxcar, { pool: { machines: 1 } });
    const { worker } = await pooled.start();
    // The first one teaches the pool what to keep.
    expect(await pooled.ended(await pooled.submit("true"))).toMatchObject({ state: "completed" });
    let ready = 0;
    while (ready === 0) {
      const { stdout } = await pooled.run("worker", "status", "--json");
      ready = (JSON.parse(stdout) as { pooled: number }).pooled;
    }
    expect(await pooled.ended(await pooled.submit("test $BOXCAR_START = resumed"))).toMatchObject({
      state: "completed",
    });
    await end(worker);
  });

  it("ends by itself when it has lived long enough", async () => {
    const limited = await WorkerProcesses.open(boxcar, { worker: { capacity: 2, lifecycle: { maxTasks: 1 } } });
    const [first, second] = [await limited.submit("true"), await limited.submit("true")];
    const { worker } = await limited.start();
    expect(await finish(worker)).toMatchObject({ exitCode: 0, stderr: expect.stringContaining("maxTasks is 1") });
    const states = [await limited.show(first), await limited.show(second)].map(({ state }) => state);
    expect(states).toEqual(["completed", "pending"]);
  });
});
