import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { TaskDetails } from "../../../src/queue/task-queue.ts";
import { PostgresServer } from "../../postgres-server.ts";
import { TaskService } from "./task-service.ts";

const TASK = { payload: { command: ["true"] } };

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

async function submit(definition: object = TASK, client = service.client): Promise<TaskDetails> {
  const { status, json } = await client.post("/api/v1/tasks", definition);
  expect({ status, json }).toMatchObject({ status: 201 });
  return json as TaskDetails;
}

describe("a task that is submitted", () => {
  it("is of whom has submitted it, and found by its name", async () => {
    const ann = service.as("ann", "submitter");
    const { taskId, submitter } = await submit({ ...TASK, metadata: { name: "Nightly build" } }, ann);
    expect(submitter).toBe("ann");
    const found = await ann.get("/api/v1/tasks?search=nightly&limit=5&state=pending");
    expect(found.json).toMatchObject([{ taskId, submitter: "ann" }]);
    expect((await ann.get("/api/v1/tasks?search=daily")).json).toEqual([]);
  });

  it("is refused with all that is wrong with it", async () => {
    const { status, json } = await service.client.post("/api/v1/tasks", { payload: { command: "true", image: 5 } });
    expect({ status, json }).toMatchObject({ status: 400, json: { code: "invalid-input" } });
    expect((json as { details: object[] }).details.length).toBeGreaterThan(1);
  });

  it("is not for who may only look", async () => {
    const { status, json } = await service.as("eve", "viewer").post("/api/v1/tasks", TASK);
    expect({ status, json }).toMatchObject({ status: 403, json: { code: "forbidden" } });
  });
});

describe("a task that is checked", () => {
  it.each([
    [TASK, []],
    [{ payload: { command: ["true"], network: "open" } }, ["payload.network"]],
    [{ payload: { command: "true", secrets: ["no-such-secret"] } }, ["payload.command", "payload.secrets[0]"]],
    [{ priorty: "high", payload: { cmmand: ["true"] } }, ["payload", "payload.cmmand", "priorty"]],
    [{ ...TASK, deadline: "soon", expires: "1 day" }, ["deadline"]],
    [{ ...TASK, deadline: "2 days", expires: "1 day" }, ["expires"]],
    [{ payload: 5 }, ["payload"]],
    [{}, ["payload"]],
    [[], [""]],
  ])("has the issues it has: %j", async (document, paths) => {
    const { status, json } = await service.client.post("/api/v1/tasks/check", document);
    expect(status).toBe(200);
    const { issues } = json as { issues: { path: string }[] };
    expect([...new Set(issues.map(({ path }) => path))].sort()).toEqual(expect.arrayContaining(paths));
    expect(issues.length === 0).toBe(paths.length === 0);
  });

  it("is not submitted", async () => {
    await service.client.post("/api/v1/tasks/check", { ...TASK, metadata: { name: "only checked" } });
    expect((await service.client.get("/api/v1/tasks?search=only%20checked")).json).toEqual([]);
  });
});

describe("a task that is shown", () => {
  it("says why it waits", async () => {
    const first = await submit();
    const second = await submit({ ...TASK, dependencies: [first.taskId] });
    const shown = (await service.client.get(`/api/v1/tasks/${second.taskId}`)).json as { why: string };
    expect(shown.why).toBe(`It waits for a task to complete: ${first.taskId} (pending).`);
    const { why } = (await service.client.get(`/api/v1/tasks/${first.taskId}`)).json as { why: string };
    expect(why).toContain('No worker serves the task queue "default"');
  });

  it("says what workers do about it", async () => {
    const describeWorker = () => ({
      ...{ queue: "busy", version: "1", startedAt: new Date() },
      status: { state: "paused", why: "the disk is exchanged", running: [] },
    });
    const announced = service.queue.workers.announce("worker-9", describeWorker);
    await announced.flush();
    const { taskId } = await submit({ ...TASK, queue: "busy" });
    const { why } = (await service.client.get(`/api/v1/tasks/${taskId}`)).json as { why: string };
    expect(why).toBe("No worker claims tasks: worker-9 is paused (the disk is exchanged).");
    await announced[Symbol.asyncDispose]();
  });

  it("says how it ended", async () => {
    const { taskId } = await service.finished({}, { kind: "failed", exitCode: 3, message: "exit code 3" });
    const { why } = (await service.client.get(`/api/v1/tasks/${taskId}`)).json as { why: string };
    expect(why).toMatch(/^Its command ended with exit code 3 after [\d.]+ m?s\.$/);
  });
});

describe("a task of somebody else", () => {
  it.each(["cancel", "rerun"])("is not for a submitter to %s", async (verb) => {
    const [ann, bob] = [service.as("ann", "submitter"), service.as("bob", "submitter")];
    const { taskId } = await submit(TASK, ann);
    const refused = await bob.post(`/api/v1/tasks/${taskId}/${verb}`);
    expect(refused).toMatchObject({ status: 403, json: { code: "forbidden" } });
    expect((refused.json as { message: string }).message).toContain("this one is of ann");
    expect((await service.queue.show(taskId)).state).toBe("pending");
    for (const client of [ann, service.as("olga", "operator")]) {
      expect(await client.post(`/api/v1/tasks/${taskId}/${verb}`)).toMatchObject({ status: 200 });
    }
  });

  it("is not for a submitter either where nobody knows whose it is", async () => {
    const { taskId } = await service.queue.submit(TASK);
    const answer = await service.as("ann", "submitter").post(`/api/v1/tasks/${taskId}/cancel`);
    expect(answer).toMatchObject({ status: 403 });
  });
});

describe("values of variables, which may be secrets", () => {
  const SECRETS = [
    { command: ["true"], env: { TOKEN: "hunter2" } },
    { steps: [{ name: "a", command: ["true"], env: { TOKEN: "hunter2" } }] },
  ];

  it.each(SECRETS)("are shown to who submitted the task, and to who may use any machine: %j", async (payload) => {
    const { taskId } = await submit({ payload }, service.as("ann", "submitter"));
    for (const client of [
      service.as("ann", "submitter"),
      service.as("ann", "viewer"),
      service.as("olga", "operator"),
    ]) {
      const { json } = await client.get(`/api/v1/tasks/${taskId}`);
      expect(json).toMatchObject({ definition: { payload } });
    }
    for (const client of [service.as("bob", "submitter"), service.as("vera", "viewer")]) {
      const { json } = await client.get(`/api/v1/tasks/${taskId}`);
      expect(JSON.stringify(json)).not.toContain("hunter2");
      expect(JSON.stringify(json)).toContain('"TOKEN":"[secret]"');
    }
  });

  it.each(SECRETS)("are not found out by a copy: %j", async (payload) => {
    const { taskId } = await submit({ payload }, service.as("ann", "submitter"));
    const refused = await service.as("bob", "submitter").post(`/api/v1/tasks/${taskId}/copy`);
    expect(refused).toMatchObject({ status: 403, json: { code: "forbidden" } });
    for (const client of [service.as("ann", "submitter"), service.as("olga", "operator")]) {
      const { status, json } = await client.post(`/api/v1/tasks/${taskId}/copy`);
      expect(status).toBe(201);
      expect((await service.queue.show((json as TaskDetails).taskId)).definition).toMatchObject({ payload });
    }
  });
});

describe("a copy of a task", () => {
  it("is a new task of the same definition, of who has copied it", async () => {
    const { taskId } = await submit({ ...TASK, priority: "high", supersede: "a key", metadata: { name: "original" } });
    const bob = service.as("bob", "submitter");
    const { status, json } = await bob.post(`/api/v1/tasks/${taskId}/copy`);
    expect(status).toBe(201);
    const copy = await service.queue.show((json as TaskDetails).taskId);
    expect(copy).toMatchObject({ priority: "high", name: "original", submitter: "bob", state: "pending" });
    expect(copy.taskId).not.toBe(taskId);
    // The original waits as before.
    expect((await service.queue.show(taskId)).state).toBe("pending");
  });

  it("is for a person on demand, where the worker allows that", async () => {
    const interactive = { shell: true, display: true, keepAfter: "10 minutes" };
    const { taskId } = await submit();
    const { status, json } = await service.client.post(`/api/v1/tasks/${taskId}/copy`, { interactive });
    expect({ status, json }).toMatchObject({ status: 201 });
    const { definition } = await service.queue.show((json as TaskDetails).taskId);
    expect(definition.payload).toMatchObject({ ...TASK.payload, interactive });
  });

  it("is refused for what nobody may ask for", async () => {
    const { taskId } = await submit();
    const wrong = { interactive: { shell: "yes" } };
    expect(await service.client.post(`/api/v1/tasks/${taskId}/copy`, wrong)).toMatchObject({
      status: 400,
      json: { code: "invalid-input" },
    });
  });
});
