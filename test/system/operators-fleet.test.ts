/** Two workers of one PostgreSQL, of which `b` has the machine and everything is asked of `a`. */
import { once } from "node:events";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import { WebSocket } from "ws";
import type { ApiMachines, ApiRunReport, ApiVm, ApiVms, ApiWorkers } from "../../src/generated/api.ts";
import { encodeShellMessage, parseShellOutput } from "../../src/guest/shell-protocol.ts";
import { parsePrometheusText } from "../fixtures/telemetry/prometheus-text.ts";
import { freePort } from "../integration/web/access-service.ts";
import { RfbViewer } from "../integration/web/rfb-viewer.ts";
import { Boxcar } from "./boxcar.ts";
import { type FleetWorker, PostgresWorkers } from "./postgres-workers.ts";

/** Says what a shell wants it to, and ends when one says so; a second run ends at once. */
const SCRIPT = `echo ready; echo kept > out
[ $RUN_ID = 0 ] || exit 0
while [ ! -e /tmp/end ]; do [ ! -e /tmp/say ] || { cat /tmp/say; rm /tmp/say; }; sleep 0.2; done`;

const TASK = {
  payload: {
    command: ["sh", "-c", SCRIPT],
    ...{ interactive: { keepAfter: 0 }, machine: { memory: 256, cores: 1 } },
    artifacts: [{ name: "public/out", path: "out" }],
  },
};

/** Whom the addresses for people lead to nobody knows; workers go by another one. */
const PEOPLE = "http://ci.example";

let boxcar: Boxcar;
let fleet: PostgresWorkers;
let b: FleetWorker;
const urls: Record<string, string> = {};
const tokens: Record<string, string> = {};

beforeAll(async () => {
  boxcar = await Boxcar.open();
  fleet = await PostgresWorkers.open(boxcar);
  b = await start("b");
  for (const [name, role] of [
    ...[["sue", "submitter"] as const, ["tom", "submitter"] as const],
    ...[["vera", "viewer"] as const, ["olga", "operator"] as const],
  ]) {
    const made = await boxcar.run(["token", "create", "--name", name, "--role", role, "--config", b.configFile]);
    tokens[name] = made.stdout.trim();
  }
});

afterAll(async () => {
  await fleet[Symbol.asyncDispose]();
  await boxcar[Symbol.asyncDispose]();
});

async function start(name: string): Promise<FleetWorker> {
  const address = `127.0.0.1:${await freePort()}`;
  urls[name] = `http://${address}`;
  const http = { listen: address, url: PEOPLE, fleetUrl: urls[name] };
  return await fleet.start(name, { worker: { capacity: 1, http }, access: { enabled: true } });
}

type User = "sue" | "tom" | "vera" | "olga";

function request(path: string, as: User, body?: object, worker = "a"): Promise<Response> {
  const headers = { authorization: `Bearer ${tokens[as]}`, "content-type": "application/json" };
  const sent = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
  return fetch(`${urls[worker]}${path}`, { headers, ...sent });
}

async function ask<T = Record<string, unknown>>(path: string, as: User = "vera", body?: object): Promise<T> {
  return (await (await request(`/api/v1${path}`, as, body)).json()) as T;
}

async function submit(worker: string): Promise<string> {
  const answer = (await (await request("/api/v1/tasks", "sue", TASK, worker)).json()) as { taskId: string };
  return answer.taskId;
}

function connect(path: string, as?: User): WebSocket {
  const headers = as === undefined ? {} : { authorization: `Bearer ${tokens[as]}` };
  return new WebSocket(`${urls["a"]}/api/v1${path}`, { headers }).on("error", () => {});
}

/** What comes, as it comes. */
class Heard {
  text = "";
  #more = Promise.withResolvers<void>();

  add(bytes: Uint8Array): void {
    this.text += Buffer.from(bytes).toString();
    this.#more.resolve();
    this.#more = Promise.withResolvers();
  }

  async until(text: string): Promise<void> {
    while (!this.text.includes(text)) await this.#more.promise;
  }

  static of(response: Response): Heard {
    const heard = new Heard();
    void (async () => {
      for await (const chunk of response.body ?? []) heard.add(chunk);
    })().catch(() => {});
    return heard;
  }

  static from(client: WebSocket): Heard {
    const heard = new Heard();
    client.on("message", (data: Buffer) => heard.add(data));
    return heard;
  }
}

function shell(taskId: string, as: User, script: string): Promise<string> {
  return shellAt(`/tasks/${taskId}/runs/latest/shell?`, as, script);
}

/** Runs a command in a machine; resolves with what it printed when it has ended. */
async function shellAt(address: string, as: User, script: string): Promise<string> {
  const query = new URLSearchParams(["sh", "-c", script].map((word): [string, string] => ["command", word]));
  const client = connect(`${address}${query}`, as);
  let printed = "";
  const exit = Promise.withResolvers<boolean>();
  client.on("unexpected-response", (_request, { statusCode }) => exit.reject(new Error(`status ${statusCode}`)));
  client.on("message", (data: Buffer) => {
    const message = parseShellOutput(data);
    if (message.type === "exit") exit.resolve(message.success);
    if (message.type !== "data" || message.bytes.length === 0) return;
    printed += Buffer.from(message.bytes).toString();
    client.send(encodeShellMessage({ type: "ack", stream: message.stream, count: message.bytes.length }));
  });
  await exit.promise.finally(() => client.terminate());
  return printed;
}

async function workerNamed(name: string) {
  return (await ask<ApiWorkers>("/workers")).find(({ workerId }) => workerId === name);
}

it("any of them answers for all, whoever has the machine", async () => {
  const taskId = await submit("b");
  await expect.poll(async () => (await fleet.queue.show(taskId)).state, { timeout: 20_000 }).toBe("running");
  await start("a");
  const run = `/tasks/${taskId}/runs/latest`;

  const log = Heard.of(await request(`/api/v1${run}/logs/task.log?follow=1`, "vera"));
  const logSocket = Heard.from(connect(`${run}/logs/task.log?follow=1`, "vera"));
  await Promise.all([log.until("\nready\n"), logSocket.until("\nready\n")]);
  const events = Heard.of(await request("/api/v1/events", "vera"));
  await events.until("hello");

  expect(await ask<ApiMachines>("/machines")).toMatchObject([{ taskId, workerId: "b", memoryMiB: 256, shell: true }]);
  expect(await ask<ApiWorkers>("/workers")).toMatchObject([
    { workerId: "a", self: true, alive: true, url: urls["a"] },
    { workerId: "b", self: false, alive: true, url: urls["b"], status: { running: [{ taskId }] } },
  ]);
  expect(await ask<ApiRunReport>(run)).toMatchObject({ workerId: "b", state: "running", live: { shell: true } });

  const screen = await request(`/api/v1${run}/screen`, "vera");
  expect(screen.headers.get("content-type")).toBe("image/png");
  expect(
    Buffer.from(await screen.arrayBuffer())
      .subarray(1, 4)
      .toString(),
  ).toBe("PNG");
  const display = await RfbViewer.open(connect(`${run}/display?mode=view`, "vera"));
  expect(display.width).toBeGreaterThan(0);
  display.client.close();

  // Who submitted it may use its machine, and so may who may use any; others may not, also at another worker.
  expect(await shell(taskId, "sue", "hostname; echo said by a shell > /tmp/s; mv /tmp/s /tmp/say")).toContain("boxcar");
  await Promise.all([log.until("said by a shell"), logSocket.until("said by a shell")]);
  await expect(shell(taskId, "tom", "true")).rejects.toThrow("status 403");
  await expect(shell(taskId, "vera", "true")).rejects.toThrow("status 403");
  const refused = await request(`/api/v1${run}/links`, "tom", { kind: "display", mode: "control" });
  expect(refused.status).toBe(403);
  const link = await ask<{ ticket: string }>(`${run}/links`, "olga", { kind: "display", mode: "control" });
  const linked = await RfbViewer.open(connect(`${run}/display?ticket=${link.ticket}`));
  linked.client.close();
  const [, { statusCode }] = (await once(connect(`${run}/display?ticket=${link.ticket}`), "unexpected-response")) as [
    unknown,
    { statusCode: number },
  ];
  expect(statusCode).toBe(403);

  expect((await request("/api/v1/workers/b/pause", "sue", {})).status).toBe(403);
  expect(await ask("/workers/b/pause", "olga", { reason: "new disk" })).toMatchObject({ state: "paused" });
  await events.until('"state":"paused"');
  await expect
    .poll(async () => (await workerNamed("b"))?.status, { timeout: 10_000 })
    .toMatchObject({ why: "new disk" });
  expect(await ask("/workers/b/resume", "olga", {})).not.toMatchObject({ state: "paused" });

  await shell(taskId, "sue", "touch /tmp/end");
  await events.until('"state":"completed"');
  expect(events.text).toContain(`"taskId":"${taskId}"`);
  // The files are with b.
  const kept = await request(`/api/v1/tasks/${taskId}/runs/0/artifacts/public/out`, "vera");
  expect(await kept.text()).toBe("kept\n");
  expect(await (await request(`/api/v1/tasks/${taskId}/runs/0/logs/task.log`, "vera")).text()).toContain("\nready\n");
  for (const [name, claims] of [
    ["a", 0],
    ["b", 1],
  ] as const) {
    const families = parsePrometheusText(await (await request("/metrics", "vera", undefined, name)).text());
    const found = families.flatMap(({ samples }) => samples).find((sample) => sample.name === "boxcar_claims_total");
    expect(found?.value ?? 0, name).toBe(claims);
  }
});

it("a machine that stays on the host of one is used by way of the other", async () => {
  const env = { BOXCAR_STATE_DIR: b.stateDir, BOXCAR_RUN_DIR: b.runDir };
  const vm = (...words: string[]) => boxcar.run(["vm", ...words, "--config", b.configFile], env);
  onTestFinished(async () => void (await vm("rm", "--force", "dev")));
  const events = Heard.of(await request("/api/v1/events", "vera"));
  await events.until("hello");
  expect(await ask("/vms?worker=b")).toEqual([]);
  expect(await vm("create", "--name", "dev", "--memory", "256M", "--cpus", "1")).toMatchObject({ exitCode: 0 });
  const { id } = await ask<ApiVm>("/vms/dev?worker=b");
  expect(await ask<ApiVms>("/vms?worker=b")).toMatchObject([{ id, name: "dev", worker: "b", state: "created" }]);
  expect(await ask("/vms")).toEqual([]);

  expect((await request("/api/v1/vms/dev/start?worker=b", "sue", {})).status).toBe(403);
  expect(await ask("/vms/dev/start?worker=b", "olga", {})).toMatchObject({ id, state: "running" });
  const hasShell = async () => (await ask<ApiVm>("/vms/dev?worker=b")).shell;
  await expect.poll(hasShell, { timeout: 60_000, interval: 500 }).toBe(true);
  await events.until(`"machine":"${id}","change":"changed","state":"running"`);
  expect(await shellAt("/vms/dev/shell?worker=b&", "olga", "hostname; echo kept > /root/kept")).toBe("dev\n");
  await expect(shellAt("/vms/dev/shell?worker=b&", "sue", "true")).rejects.toThrow("status 403");

  const screen = await request("/api/v1/vms/dev/screen?worker=b", "vera");
  expect(screen.headers.get("content-type")).toBe("image/png");
  const link = await ask<{ ticket: string }>("/vms/dev/links?worker=b", "olga", { kind: "display", mode: "control" });
  const display = await RfbViewer.open(connect(`/vms/dev/display?worker=b&ticket=${link.ticket}`));
  expect(display.width).toBeGreaterThan(0);
  const console = Heard.from(connect("/vms/dev/console?worker=b&mode=control", "olga"));
  const ended = once(display.client, "close");

  expect(await ask("/vms/dev/pause?worker=b", "olga", {})).toMatchObject({ state: "paused" });
  expect(await ask("/vms/dev/resume?worker=b", "olga", {})).toMatchObject({ state: "running" });
  expect(await shellAt("/vms/dev/shell?worker=b&", "olga", "echo typed > /dev/console; cat /root/kept")).toBe("kept\n");
  await console.until("typed");
  expect(await ask("/vms/dev/stop?worker=b", "olga", { force: true })).toMatchObject({ state: "stopped" });
  expect((await ended)[0]).toBe(1_000);
  const removed = await fetch(`${urls["a"]}/api/v1/vms/dev?worker=b`, {
    method: "DELETE",
    headers: { authorization: `Bearer ${tokens["olga"]}`, "content-type": "application/json" },
  });
  expect(removed.status).toBe(403);
});

it("what one that was killed had is told by name, and done by another", async () => {
  await ask("/worker/pause", "olga", {});
  const taskId = await submit("a");
  const log = async (run: number) => await request(`/api/v1/tasks/${taskId}/runs/${run}/logs/task.log`, "vera");
  await expect.poll(async () => (await log(0)).text(), { timeout: 30_000 }).toContain("\nready\n");
  const follower = Heard.of(await request(`/api/v1/tasks/${taskId}/runs/0/logs/task.log?follow=1`, "vera"));
  await follower.until("\nready\n");

  b.process.kill("SIGKILL");
  await b.process;
  const unreachable = await log(0);
  const { code, message } = (await unreachable.json()) as { code: string; message: string };
  expect({ status: unreachable.status, code }).toEqual({ status: 502, code: "worker-unreachable" });
  expect(message).toMatch(/^the worker b cannot be reached at http:\/\/127\.0\.0\.1:\d+: /);

  await ask("/worker/resume", "olga", {});
  const state = async () => (await ask<{ state: string }>(`/tasks/${taskId}`)).state;
  await expect.poll(state, { timeout: 60_000, interval: 500 }).toBe("completed");
  expect(await (await log(1)).text()).toContain("on the worker a");
  await expect.poll(async () => (await workerNamed("b"))?.alive, { timeout: 30_000, interval: 500 }).toBe(false);
  const silent = (await (await log(0)).json()) as object;
  expect(silent).toMatchObject({ code: "worker-silent", message: expect.stringContaining("the worker b has") });
  expect(await ask<ApiMachines>("/machines")).toEqual([]);
  expect(await (await request(`/api/v1/tasks/${taskId}/artifacts`, "vera")).json()).toContainEqual(
    expect.objectContaining({ name: "public/out" }),
  );
});
