import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";
import { Webhook } from "standardwebhooks";
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { HostArtifacts } from "../../../src/artifact/host-artifacts.ts";
import { Secret } from "../../../src/config/secret.ts";
import type { WebhookSettings } from "../../../src/config/webhooks.ts";
import type { Claim, Resolution } from "../../../src/queue/driver.ts";
import { connectionOfUrl } from "../../../src/queue/postgres/connection.ts";
import { PostgresQueue } from "../../../src/queue/postgres/postgres-queue.ts";
import { hookOf } from "../../../src/telemetry/webhooks/message.ts";
import { type WebhookOutcome, Webhooks } from "../../../src/telemetry/webhooks/webhooks.ts";
import { HookReceiver, type ReceivedHook } from "../../fixtures/telemetry/hook-receiver.ts";
import { PostgresServer } from "../../postgres-server.ts";

const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const ALL = ["task.pending", "task.running", "task.completed", "task.failed", "task.exception"] as const;
const PAYLOAD = { command: ["true"] };

let server: PostgresServer;
let url: string;
let folder: string;
let receiver: HookReceiver;
let queue: PostgresQueue;
let outcomes: WebhookOutcome[];
let told: PromiseWithResolvers<void>;
let logged: { message: string; fields: object | undefined }[];

beforeAll(async () => {
  server = await PostgresServer.start();
});

afterAll(() => server[Symbol.asyncDispose]());

beforeEach(async () => {
  url = await server.createDatabase();
  folder = await mkdtemp("/tmp/bxh-");
  receiver = await HookReceiver.open();
  queue = await openQueue();
  outcomes = [];
  logged = [];
  told = Promise.withResolvers();
  return async () => {
    await receiver[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  };
});

async function openQueue(): Promise<PostgresQueue> {
  const files = await HostArtifacts.open(join(folder, "artifacts"));
  const opened = await PostgresQueue.open({ connection: connectionOfUrl(url), files });
  onTestFinished(() => opened[Symbol.asyncDispose]());
  return opened;
}

function settings(more: Partial<WebhookSettings> = {}): WebhookSettings {
  return { url: receiver.url(), secret: Secret.of(SECRET), events: ALL, queue: undefined, ...more };
}

async function start(
  webhooks: readonly WebhookSettings[] = [settings()],
  { on = queue, timeoutMs = 30_000 } = {},
): Promise<Webhooks> {
  const started = await Webhooks.start({
    ...{ webhooks, outbox: on.webhooks, version: "1.2.3", pollMs: 20, timeoutMs },
    urlOf: (taskId) => `https://ci.example.com/tasks/${taskId}`,
    onAttempt: (outcome) => {
      outcomes.push(outcome);
      told.resolve();
      told = Promise.withResolvers();
    },
    logger: { log: (_level, message, fields) => void logged.push({ message, fields }) },
  });
  onTestFinished(() => started[Symbol.asyncDispose]());
  return started;
}

async function untilTold(count: number): Promise<void> {
  while (outcomes.length < count) await told.promise;
}

async function claimOne(name = "default"): Promise<Claim> {
  const driver = queue.openDriver({ queue: name, workerId: "worker-1", leaseMs: 60_000 });
  onTestFinished(() => driver[Symbol.asyncDispose]());
  const [claim] = await driver.claim(1, new AbortController().signal);
  if (claim === undefined) throw new Error("there was nothing to claim");
  return claim;
}

async function finish(resolution: Resolution, name?: string): Promise<void> {
  await (await claimOne(name)).resolve(resolution);
}

/** @throws where the signature is wrong. */
function verified({ headers, body }: ReceivedHook): { type: string; timestamp: string; data: Record<string, unknown> } {
  return new Webhook(SECRET).verify(body, headers as Record<string, string>) as ReturnType<typeof verified>;
}

function typesOf(hooks: readonly ReceivedHook[]): string[] {
  return hooks.map((hook) => verified(hook).type);
}

/** As if time had passed. */
async function database(text: string): Promise<pg.QueryResult> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await client.query(text);
  } finally {
    await client.end();
  }
}

describe("webhooks", () => {
  it("tell of each state of a task, signed, with what is known of it", async () => {
    await start();
    const { taskId } = await queue.submit({ payload: PAYLOAD, metadata: { name: "tests" } });
    await receiver.until(1);
    const claim = await claimOne();
    await receiver.until(2);
    await claim.resolve({ kind: "failed", reason: "command-failed", message: "it broke", exitCode: 3 });
    const hooks = await receiver.until(3);
    expect(typesOf(hooks)).toEqual(["task.pending", "task.running", "task.failed"]);
    const known = { taskId, runId: 0, name: "tests", queue: "default", url: `https://ci.example.com/tasks/${taskId}` };
    expect(hooks.map((hook) => verified(hook).data)).toEqual([
      { ...known, state: "pending" },
      { ...known, state: "running", worker: "worker-1" },
      { ...known, state: "failed", worker: "worker-1", reason: "command-failed", message: "it broke", exitCode: 3 },
    ]);
    expect(new Set(hooks.map(({ headers }) => headers["webhook-id"])).size).toBe(3);
    expect(hooks[0]?.headers).toMatchObject({ "content-type": "application/json", "user-agent": "boxcar/1.2.3" });
  });

  it("tell only of the states and the task queue that somebody wants to know of", async () => {
    const events = ["task.completed"] as const;
    await start([settings({ events, queue: "wanted" }), settings({ url: receiver.url("/all"), events })]);
    for (const name of ["other", "wanted"]) {
      await queue.submit({ payload: PAYLOAD, queue: name });
      await finish({ kind: "completed" }, name);
    }
    await untilTold(3);
    const got = receiver.received.map((hook) => `${hook.path} ${verified(hook).data["queue"]}`);
    expect(got.sort()).toEqual(["/all other", "/all wanted", "/hook wanted"]);
  });

  it("miss nothing that happened while no worker was there, and a run that is run again", async () => {
    await (await start())[Symbol.asyncDispose]();
    await queue.submit({ payload: PAYLOAD });
    await finish({ kind: "exception", reason: "worker-shutdown", message: "it went away\u0000" });
    await finish({ kind: "completed" });
    await start();
    const hooks = await receiver.until(5);
    const got = hooks.map((hook) => verified(hook)).map(({ type, data }) => `${data["runId"]} ${type}`);
    expect(got.sort()).toEqual([
      ...["0 task.pending", "0 task.running"],
      ...["1 task.completed", "1 task.pending", "1 task.running"],
    ]);
  });

  it("are sent once, however many workers there are", async () => {
    const count = 60;
    await start();
    for (let more = 0; more < 2; more++) await start([settings()], { on: await openQueue() });
    await queue.submit({ payload: PAYLOAD });
    await Promise.all(Array.from({ length: count - 1 }, () => queue.submit({ payload: PAYLOAD })));
    await untilTold(count);
    const ids = receiver.received.map(({ headers }) => headers["webhook-id"]);
    expect(ids).toHaveLength(count);
    expect(new Set(ids).size).toBe(count);
    expect(outcomes.every((outcome) => outcome === "delivered")).toBe(true);
  });

  it.each([
    ["answers 503", 503],
    ["redirects", { status: 302, headers: { location: "/elsewhere" } }],
    ["does not answer", "hang"],
  ] as const)("are sent again, as the same message, to a receiver that %s", async (_what, answer) => {
    receiver.answer = () => answer;
    await start([settings({ events: ["task.pending"] })], answer === "hang" ? { timeoutMs: 200 } : {});
    await queue.submit({ payload: PAYLOAD });
    await untilTold(1);
    receiver.answer = () => 204;
    await database("UPDATE boxcar.webhook_message SET due = now()");
    await untilTold(2);
    expect(outcomes).toEqual(["retried", "delivered"]);
    const [first, second] = receiver.received;
    expect(receiver.received).toHaveLength(2);
    expect(second).toMatchObject({ path: "/hook", body: first?.body });
    expect(second?.headers["webhook-id"]).toBe(first?.headers["webhook-id"]);
    expect(logged).toMatchObject([{ fields: { taskId: expect.any(String), runId: 0, receiver: expect.any(String) } }]);
  });

  it("are given up after a day", async () => {
    receiver.answer = () => 500;
    await start([settings({ events: ["task.pending"] })]);
    await queue.submit({ payload: PAYLOAD });
    await untilTold(1);
    await database("UPDATE boxcar.webhook_message SET due = now(), first = now() - interval '25 hours'");
    await untilTold(2);
    expect(outcomes).toEqual(["retried", "given_up"]);
    const { rows } = await database("SELECT due FROM boxcar.webhook_message");
    expect(rows).toEqual([{ due: null }]);
  });

  it("end for a receiver that is gone, until a worker starts anew", async () => {
    receiver.answer = () => 410;
    const first = await start([settings({ events: ["task.pending"] })]);
    await queue.submit({ payload: PAYLOAD });
    await untilTold(1);
    expect(outcomes).toEqual(["disabled"]);
    await queue.submit({ payload: PAYLOAD });
    const { rows } = await database("SELECT due FROM boxcar.webhook_message");
    expect(rows).toEqual([{ due: null }]);
    await first[Symbol.asyncDispose]();
    receiver.answer = () => 200;
    await start([settings({ events: ["task.pending"] })]);
    const { taskId } = await queue.submit({ payload: PAYLOAD });
    await untilTold(2);
    expect(verified(receiver.received.at(-1) as ReceivedHook).data["taskId"]).toBe(taskId);
  });

  it("reach one receiver while another hangs", async () => {
    receiver.answer = ({ path }) => (path === "/hangs" ? "hang" : 200);
    const events = ["task.pending"] as const;
    await start([settings({ url: receiver.url("/hangs"), events }), settings({ events })]);
    for (let count = 0; count < 30; count++) await queue.submit({ payload: PAYLOAD });
    const arrived = () => receiver.received.filter(({ path }) => path === "/hook");
    for (let count = 1; arrived().length < 30; count++) await receiver.until(count);
    expect(new Set(arrived().map(({ headers }) => headers["webhook-id"])).size).toBe(30);
  });

  it("reach one receiver while another of the same server hangs with as many as it is sent at once", async () => {
    receiver.answer = ({ path }) => (path === "/hangs" ? "hang" : 200);
    const events = ["task.pending"] as const;
    const both = [settings({ url: receiver.url("/hangs"), events }), settings({ events })];
    await queue.webhooks.register(both.map(hookOf));
    for (let count = 0; count < 30; count++) await queue.submit({ payload: PAYLOAD });
    await start(both);
    await untilTold(30);
    expect(outcomes).toEqual(Array.from({ length: 30 }, () => "delivered"));
  });

  it("that a worker had taken when it was killed are sent by another", async () => {
    const wanted = settings({ events: ["task.pending"] });
    const hook = hookOf(wanted);
    await queue.webhooks.register([hook]);
    await queue.submit({ payload: PAYLOAD });
    expect(await queue.webhooks.take(hook.id, 10, 100)).toHaveLength(1);
    expect(await queue.webhooks.take(hook.id, 10, 100)).toHaveLength(0);
    await start([wanted]);
    await untilTold(1);
    expect(outcomes).toEqual(["delivered"]);
  });

  it("that no worker has in its configuration any more are forgotten", async () => {
    const kept = hookOf(settings());
    const dropped = hookOf(settings({ url: receiver.url("/dropped") }));
    await queue.webhooks.register([kept, dropped]);
    await queue.submit({ payload: PAYLOAD });
    await database("UPDATE boxcar.webhook SET seen = now() - interval '8 days'");
    await database("UPDATE boxcar.webhook_message SET time = now() - interval '8 days'");
    await queue.webhooks.keep([kept.id]);
    expect((await database("SELECT id FROM boxcar.webhook")).rows).toEqual([{ id: kept.id }]);
    expect((await database("SELECT hook FROM boxcar.webhook_message")).rows).toEqual([]);
  });

  it("refuse to start with a secret that is none", async () => {
    await expect(start([settings({ secret: Secret.of("hush") })])).rejects.toMatchObject({
      issues: [{ path: "webhooks[0].secret" }],
    });
  });
});
