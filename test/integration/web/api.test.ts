import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { json } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { HOST } from "../../../src/access/principal.ts";
import { QueueError } from "../../../src/queue/errors.ts";
import type { TaskQueue } from "../../../src/queue/task-queue.ts";
import { createApp } from "../../../src/web/api/app.ts";
import { HttpService } from "../../../src/web/server/service.ts";
import { queueRoutes } from "../../../src/web/tasks/queue-routes.ts";

let error: Error;
let service: HttpService;

const refuse = () => Promise.reject(error);
const queue: TaskQueue = {
  ...{ submit: refuse, list: refuse, show: refuse, cancel: refuse, rerun: refuse, artifacts: refuse, summary: refuse },
  [Symbol.asyncDispose]: async () => {},
};

beforeEach(async () => {
  error = new Error("it was not asked");
  const app = createApp({ routes: queueRoutes({ queue, checkPayload: () => {} }), authenticate: async () => HOST });
  service = await HttpService.listen({ host: "127.0.0.1", port: 0 }, app);
});

afterEach(() => service[Symbol.asyncDispose]());

async function ask(method: string, path: string, headers: Record<string, string> = {}) {
  const asked = request({ port: service.port, host: "127.0.0.1", method, path, headers, agent: false });
  asked.end(method === "POST" ? "{}" : undefined);
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  return { status: response.statusCode, ...((await json(response)) as { code: string }) };
}

describe("the API of a worker", () => {
  it.each([
    ["task", "task-not-found", 404],
    ["task", "task-deadline-over", 409],
    ["task", "deadline-after-expiry", 400],
    ["upstream", "queue-unreachable", 503],
    ["worker", "run-resolved", 500],
  ] as const)("says whose fault it is: %s, %s", async (blame, code, status) => {
    error = new QueueError(code, "it cannot be", { blame });
    const answer = await ask("POST", "/api/v1/tasks/a/rerun", { "content-type": "application/json" });
    expect(answer).toMatchObject({ status, code });
  });

  it.each([
    ["localhost:7070", 503],
    ["127.0.0.2:7070", 503],
    ["[::1]:7070", 503],
    ["127.0.0.1.elsewhere.example", 403],
    ["elsewhere.example:7070", 403],
  ])("is for who calls it by a name of its host: %s", async (host, status) => {
    error = new QueueError("queue-unreachable", "it cannot be asked", { blame: "upstream" });
    expect(await ask("GET", "/api/v1/tasks", { host })).toMatchObject({ status });
  });

  it("changes nothing for what a page of a browser can send anywhere", async () => {
    const answer = await ask("POST", "/api/v1/tasks/a/cancel", { "content-type": "text/plain" });
    expect(answer).toMatchObject({ status: 415, code: "json-only" });
  });
});
