/** A person at the machine of a task: on its screen, in a shell, and after its command. */
import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { join } from "node:path";
import { json } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { RfbViewer } from "../integration/web/rfb-viewer.ts";
import { Boxcar, finish, type Running } from "./boxcar.ts";
import { end, WorkerProcesses } from "./worker-process.ts";

const URL_OF_WORKER = "http://worker.example:7070";

let boxcar: Boxcar;
let workers: WorkerProcesses;
let worker: Running;

beforeAll(async () => {
  boxcar = await Boxcar.open();
  workers = await WorkerProcesses.open(boxcar, {
    worker: { capacity: 2, reserve: { diskGiB: 0 }, http: { url: URL_OF_WORKER } },
  });
  ({ worker } = await workers.start());
});

afterAll(async () => {
  await end(worker, "SIGKILL");
  await boxcar[Symbol.asyncDispose]();
});

function connect(path: string): WebSocket {
  const client = new WebSocket(`ws+unix://${join(boxcar.directory, "run/worker.sock")}:/api/v1${path}`);
  client.on("error", () => {});
  return client;
}

async function kept(taskId: string): Promise<void> {
  await workers.untilLogged(taskId, "the machine is kept for a person until");
  expect(await workers.show(taskId)).toMatchObject({ state: "running" });
}

async function readSockets(taskId: string): Promise<Record<string, string>> {
  const path = `/api/v1/tasks/${taskId}/runs/latest/artifacts/private/interactive/sockets.json`;
  const asked = request({ socketPath: join(boxcar.directory, "run/worker.sock"), path });
  asked.end();
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  return (await json(response)) as Record<string, string>;
}

const interactive = { keepAfter: "10 minutes" };

describe("the machine of an interactive task", () => {
  it("is for a person at its screen and in shells, also when its command has ended, until it is released", async () => {
    const script = 'exec < /dev/tty1; echo ready; read -r line; echo "somebody typed $line"; touch /tmp/left';
    const taskId = await workers.submit(script, { interactive });
    await workers.untilLogged(taskId, "\nready\n");
    const display = await RfbViewer.open(connect(`/tasks/${taskId}/runs/latest/display?mode=control`));
    display.ask({ incremental: false });
    await display.update();
    display.ask();
    display.type("hello\r");
    expect(await display.update()).toBeGreaterThan(0);
    await workers.untilLogged(taskId, "somebody typed hello");
    await kept(taskId);

    const status = JSON.parse((await workers.run("worker", "status", "--json")).stdout) as { running: object[] };
    expect(status.running).toMatchObject([
      { taskId, phase: "keep", display: true, shell: true, keptUntil: expect.any(String), memoryMiB: 256 },
    ]);
    const shell = await workers.run("shell", taskId, "--", "sh", "-c", "ls /tmp/left");
    expect(shell).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^\/tmp\/left\n?$/) });

    const sockets = await readSockets(taskId);
    expect(sockets).toMatchObject({ version: 2, displaysUrl: expect.stringContaining(URL_OF_WORKER) });
    const [, secret] = /interactive\/(.+)\/shell$/.exec(sockets["shellSocketUrl"] ?? "") ?? [];
    const other = connect(`/interactive/${secret}/shell?tty=false&command=true`);
    expect(await once(other, "close")).toMatchObject([1_000, expect.anything()]);

    expect((await workers.run("release", taskId)).exitCode).toBe(0);
    await expect(display.closed).resolves.toEqual({ code: 1_000, reason: "the machine has ended" });
    expect(await workers.ended(taskId)).toMatchObject({ state: "completed" });
    const [, refusal] = await once(connect(`/interactive/${secret}/shell`), "unexpected-response");
    expect((refusal as IncomingMessage).statusCode).toBe(404);
  });

  it("is gone at once when its task is cancelled", async () => {
    const taskId = await workers.submit("exit 3", { interactive });
    await kept(taskId);
    const told = await workers.run("worker", "status");
    expect(told.stdout).toMatch(new RegExp(`${taskId}/0 {2}keep {2}for .*, until 20.*Z`));
    await workers.run("queue", "cancel", taskId);
    expect(await workers.ended(taskId)).toMatchObject({ state: "exception", runs: [{ reason: "canceled" }] });
    const status = async () => (await workers.run("worker", "status")).stdout;
    await expect.poll(status, { timeout: 20_000 }).not.toContain(taskId);
  });

  it("is gone when the worker is stopped, and the task has ended as its command did", async () => {
    const taskId = await workers.submit("exit 3", { interactive });
    await kept(taskId);
    await workers.run("worker", "stop");
    await finish(worker);
    expect(await workers.ended(taskId)).toMatchObject({ state: "failed", runs: [{ exitCode: 3 }] });
    expect(await boxcar.leftovers()).toEqual([]);
  });
});
