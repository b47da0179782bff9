import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { json } from "node:stream/consumers";
import { describe, expect, it, onTestFinished } from "vitest";
import type { Role } from "../../../src/access/role.ts";
import { SoleDirectory, SoleEvents } from "../../../src/queue/sole-worker.ts";
import type { QueueSummary } from "../../../src/queue/task-queue.ts";
import type { WorkerAnnouncement, WorkerEntry } from "../../../src/queue/worker-directory.ts";
import { parseDefinition } from "../../../src/schema/parse.ts";
import { createApp } from "../../../src/web/api/app.ts";
import { EventStreams } from "../../../src/web/fleet/event-stream.ts";
import { fleetRoutes } from "../../../src/web/fleet/fleet-routes.ts";
import { Fleet } from "../../../src/web/fleet/pass-on.ts";
import { HttpService } from "../../../src/web/server/service.ts";

const TASK = { taskId: "a", runId: 0, phase: "run", since: "2026-01-02T04:00:00.000Z", memoryMiB: 512, display: true };
const STARTED = new Date("2026-01-02T03:00:00.000Z");
const SELF: WorkerAnnouncement = {
  ...{ url: "http://10.0.0.2:7070", queue: "default", version: "2", startedAt: STARTED },
  status: { state: "full", running: [TASK], finished: { total: 1, byEnd: { completed: 1 } } },
};
const entry = (workerId: string, changes: Partial<WorkerEntry> = {}): WorkerEntry => ({
  ...{ workerId, queue: "default", version: "1", startedAt: STARTED, status: {}, seenAt: STARTED, isAlive: true },
  ...changes,
});

async function start(entries: readonly WorkerEntry[] = [], summary: QueueSummary = { queues: [] }) {
  const acts: string[] = [];
  const act = (verb: string) => (why: string) => void acts.push(`${verb}: ${why}`);
  const worker = {
    status: { state: "claiming" },
    pause: async (why: string) => act("pause")(why),
    resume: () => act("resume")(""),
    drain: act("drain"),
    stop: act("stop"),
  };
  const events = new EventStreams({ workerId: "self", events: new SoleEvents() });
  const directory = new SoleDirectory();
  const workers = Object.assign(directory, {
    list: async () => [...entries],
    find: async (id: string) => entries.find(({ workerId }) => workerId === id),
  });
  const tasks = { summary: async () => summary };
  const routes = fleetRoutes({
    ...{ workerId: "self", describeSelf: () => SELF, workers, tasks, events, worker },
    queueDescription: "embedded /somewhere",
  });
  let role: Role = "admin";
  const fleet = new Fleet({ self: "self", tasks: undefined, workers });
  const app = createApp({
    routes,
    authenticate: async () => ({ name: "jane", role, via: "token" }),
    passOn: (route, call) => fleet.passOn(route, call),
  });
  const service = await HttpService.listen({ host: "127.0.0.1", port: 0 }, app);
  onTestFinished(async () => {
    await events[Symbol.asyncDispose]();
    await service[Symbol.asyncDispose]();
  });
  const ask = async (method: string, path: string, as: Role = "admin") => {
    role = as;
    const headers = method === "POST" ? { "content-type": "application/json" } : {};
    const options = { host: "127.0.0.1", port: service.port, method, path: `/api/v1${path}`, headers, agent: false };
    const asked = request(options).end(method === "POST" ? '{"reason": "a reason"}' : undefined);
    const [response] = (await once(asked, "response")) as [IncomingMessage];
    return { status: response.statusCode, body: await json(response) };
  };
  return { acts, ask };
}

const valid = (definition: string, body: unknown) =>
  parseDefinition("api", definition, body, { subject: "The answer", blame: "worker" });

describe("the fleet, as the API has it", () => {
  it("lists workers by their ids, this one as of now", async () => {
    const { ask } = await start([
      entry("other", { isAlive: false, url: "http://10.0.0.1:7070" }),
      entry("self", { status: { state: "paused" }, version: "1" }),
      entry("zoo", { status: { state: "claiming", newer: 1 } }),
    ]);
    const { body } = await ask("GET", "/workers");
    expect(valid("workers", body)).toEqual(body);
    expect(body).toMatchObject([
      { workerId: "other", self: false, alive: false, url: "http://10.0.0.1:7070", seenAt: "2026-01-02T03:00:00.000Z" },
      { workerId: "self", self: true, alive: true, version: "2", status: { state: "full", running: [TASK] } },
      { workerId: "zoo", status: { state: "claiming" } },
    ]);
  });

  it("lists machines of workers that are alive", async () => {
    const running = [{ ...TASK, taskId: "b" }];
    const { ask } = await start([
      entry("dead", { isAlive: false, status: { running } }),
      entry("live", {
        status: { running: [{ ...TASK, taskId: "c", since: "2026-01-02T03:30:00.000Z", shell: true }] },
      }),
    ]);
    const { body } = await ask("GET", "/machines");
    expect(valid("machines", body)).toEqual(body);
    expect(body).toMatchObject([
      { taskId: "c", workerId: "live", shell: true },
      { taskId: "a", workerId: "self", shell: false, display: true },
    ]);
  });

  it("counts tasks", async () => {
    const queues = [{ name: "default", unscheduled: 1, pending: 2, running: 3 }];
    const { ask } = await start([], { queues, oldestPending: STARTED });
    const { body } = await ask("GET", "/queue");
    expect(valid("queue", body)).toEqual(body);
    expect(body).toEqual({ description: "embedded /somewhere", queues, oldestPending: STARTED.toISOString() });
  });

  it("has each worker do what is asked of it, by who may", async () => {
    const { ask, acts } = await start([entry("nameless"), entry("dead", { isAlive: false })]);
    expect(await ask("POST", "/workers/self/pause", "operator")).toMatchObject({ status: 200 });
    expect(await ask("POST", "/workers/self/stop", "operator")).toMatchObject({ status: 403 });
    expect(await ask("POST", "/workers/self/drain", "viewer")).toMatchObject({ status: 403 });
    expect(await ask("POST", "/workers/self/stop")).toMatchObject({ status: 202 });
    expect(acts).toEqual(["pause: a reason", "stop: a reason"]);
    const refusals = { none: "worker-not-found", nameless: "worker-without-address", dead: "worker-silent" };
    for (const [id, code] of Object.entries(refusals)) {
      expect(await ask("POST", `/workers/${id}/pause`)).toMatchObject({ body: { code } });
    }
    expect(acts).toHaveLength(2);
  });
});
