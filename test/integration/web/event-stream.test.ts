import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { json } from "node:stream/consumers";
import { describe, expect, it, onTestFinished } from "vitest";
import { LOCAL } from "../../../src/access/principal.ts";
import type { QueueEvent, QueueEvents, QueueListener } from "../../../src/queue/queue-events.ts";
import { createApp } from "../../../src/web/api/app.ts";
import { defineRoute } from "../../../src/web/api/route.ts";
import { EventStreams, type EventStreamsOptions } from "../../../src/web/fleet/event-stream.ts";
import { HttpService } from "../../../src/web/server/service.ts";

/** Events of a test. */
class TestEvents implements QueueEvents {
  readonly watching = new Set<QueueListener>();
  failure: Error | undefined;
  #changed = Promise.withResolvers<void>();

  async watch(listener: QueueListener): Promise<AsyncDisposable> {
    if (this.failure !== undefined) throw this.failure;
    this.watching.add(listener);
    return {
      [Symbol.asyncDispose]: async () => {
        this.watching.delete(listener);
        this.#changed.resolve();
      },
    };
  }

  publish(event: QueueEvent): void {
    for (const { onEvent } of this.watching) onEvent(event);
  }

  gap(): void {
    for (const { onGap } of this.watching) onGap?.();
  }

  /** Nobody watches any more. */
  async unwatched(): Promise<void> {
    while (this.watching.size > 0) await this.#changed.promise;
  }
}

async function start(options: Partial<EventStreamsOptions> = {}) {
  const events = new TestEvents();
  const streams = new EventStreams({ workerId: "worker-1", events, ...options });
  const route = defineRoute()({
    ...{ method: "GET", path: "/api/v1/events", operation: "followEvents", summary: "", tag: "observation" },
    ...{ permission: "read", answers: { 200: { description: "", contentType: "text/event-stream" } } },
    handle: ({ response, request }) => streams.add(response, { who: request.get("X-User") ?? "ann" }),
  });
  const app = createApp({ routes: [route], authenticate: async () => LOCAL });
  const service = await HttpService.listen({ host: "127.0.0.1", port: 0 }, app);
  onTestFinished(async () => {
    await streams[Symbol.asyncDispose]();
    await service[Symbol.asyncDispose]();
  });
  const connect = async ({ method = "GET", who = "ann" } = {}) => {
    const options = { host: "127.0.0.1", port: service.port, path: "/api/v1/events", agent: false };
    const asked = request({ ...options, method, headers: { "x-user": who } }).end();
    const [response] = (await once(asked, "response")) as [IncomingMessage];
    return response;
  };
  return { events, streams, connect };
}

/** Reads until what has come ends with `end`. */
async function readTo(response: IncomingMessage, end: string): Promise<string> {
  let text = "";
  while (!text.endsWith(end)) {
    const block = response.read() as Buffer | null;
    if (block === null) await once(response, "readable");
    else text += String(block);
  }
  return text;
}

const STATE: QueueEvent = { kind: "worker", workerId: "worker-2", state: "full" };
const HELLO = 'retry: 3000\n\nevent: hello\ndata: {"workerId":"worker-1"}\n\n';
const TOLD = 'event: worker\ndata: {"workerId":"worker-2","state":"full"}\n\n';

describe("events for clients", () => {
  it("come as they happen, after a hello", async () => {
    const { events, connect } = await start();
    const [first, second] = await Promise.all([connect(), connect()]);
    expect(first.headers).toMatchObject({
      "content-type": "text/event-stream; charset=utf-8",
      "x-accel-buffering": "no",
    });
    expect(events.watching.size).toBe(1);
    for (const client of [first, second]) expect(await readTo(client, "\n\n")).toBe(HELLO);
    events.publish(STATE);
    const name = "two\nlines\u2028";
    const task = { taskId: "a", state: "pending", runId: 0, queue: "default", name, time: "t" } as const;
    events.publish({ kind: "task", ...task });
    events.gap();
    for (const client of [first, second]) {
      const [, told, gap] = (await readTo(client, "event: gap\ndata: {}\n\n")).split(
        /event: task\ndata: |\n\nevent: gap/,
      );
      expect(JSON.parse(told ?? "")).toEqual(task);
      expect(gap).toBeDefined();
    }
  });

  it("are no affair of the queue while nobody follows them", async () => {
    const { events, streams, connect } = await start();
    const [first, second] = [await connect(), await connect()];
    first.destroy();
    second.destroy();
    await events.unwatched();
    expect(streams.size).toBe(0);
    const third = await connect();
    await readTo(third, HELLO);
    events.publish(STATE);
    expect(await readTo(third, "\n\n")).toBe(TOLD);
  });

  it("are interrupted by comments, so that who is gone is noticed", async () => {
    const { connect } = await start({ commentMs: 10 });
    expect(await readTo(await connect(), ":\n\n:\n\n")).toBe(`${HELLO}:\n\n:\n\n`);
  });

  it("come no more to who does not read them, and the others get all", async () => {
    const { events, streams, connect } = await start({ maxWaitingBytes: 64 * 1_024 });
    const [slow, quick] = [await connect(), await connect()];
    const image = "x".repeat(8_000);
    quick.resume();
    let received = 0;
    quick.on("data", (block: Buffer) => {
      received += block.length;
    });
    let told = 0;
    while (streams.size === 2) {
      events.publish({ kind: "image", workerId: "worker-1", change: "pulled", image });
      told++;
      // The quick one has everything before it goes on.
      while (received < told * image.length) await once(quick, "data");
    }
    slow.resume();
    await expect(once(slow, "end")).rejects.toMatchObject({ code: "ECONNRESET" });
    expect(quick.destroyed).toBe(false);
  });

  it("are for so many clients only", async () => {
    const { connect } = await start({ maxClients: 2 });
    const [first] = [await connect(), await connect()];
    const third = await connect();
    expect({ status: third.statusCode, ...((await json(third)) as object) }).toMatchObject({
      ...{ status: 503, code: "too-many-clients" },
    });
    const gone = once(first, "close");
    first.destroy();
    await gone;
    // The server hears of it a little later.
    for (let again = await connect(); again.statusCode !== 200; again = await connect()) again.resume();
  });

  it("are for so many clients of one who asks, and others have theirs", async () => {
    const { connect } = await start({ maxClientsEach: 2 });
    const asked = [await connect(), await connect(), await connect(), await connect({ who: "bob" })];
    expect(asked.map(({ statusCode }) => statusCode)).toEqual([200, 200, 429, 200]);
  });

  it("have a head, which is not followed", async () => {
    const { streams, connect } = await start();
    const head = await connect({ method: "HEAD" });
    expect([head.statusCode, head.headers["content-type"]]).toEqual([200, "text/event-stream; charset=utf-8"]);
    head.resume();
    await once(head, "end");
    expect(streams.size).toBe(0);
  });

  it("are refused where the queue cannot be watched, and tried again by the next", async () => {
    const { events, streams, connect } = await start();
    events.failure = new Error("no");
    expect((await connect()).statusCode).toBe(500);
    expect(streams.size).toBe(0);
    events.failure = undefined;
    expect((await connect()).statusCode).toBe(200);
  });

  it("end with the worker", async () => {
    const { events, streams, connect } = await start();
    const client = await connect();
    client.resume();
    const ended = once(client, "end");
    await streams[Symbol.asyncDispose]();
    await expect(ended).rejects.toMatchObject({ code: "ECONNRESET" });
    expect(events.watching.size).toBe(0);
    expect((await connect()).statusCode).toBe(503);
  });
});
