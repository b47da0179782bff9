/** Each operation that a worker has is asked for once, of a real one: what it answers is as its description says. */
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { type IncomingMessage, request } from "node:http";
import { join } from "node:path";
import { json } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CheckedClient } from "./checked-client.ts";

const MAIN = fileURLToPath(new URL("../../../src/main.ts", import.meta.url));

interface Operation {
  readonly operationId: string;
  readonly "x-websocket"?: boolean;
}

interface Document {
  readonly paths: Record<string, Record<string, Operation>>;
}

let folder: string;
let worker: ReturnType<typeof startWorker>;
let port: number;
let document: Document;
let client: CheckedClient;
let names: Record<string, string>;

beforeAll(async () => {
  folder = await mkdtemp("/tmp/bxall-");
  const config = join(folder, "worker.json");
  const folders = { stateDir: join(folder, "state"), runDir: join(folder, "run") };
  const settings = { http: { listen: "127.0.0.1:0" }, reserve: { memory: 0, diskGiB: 0 } };
  await writeFile(config, JSON.stringify({ ...folders, worker: settings }));
  worker = startWorker(config);
  port = await untilListens();
  document = (await json(await get("/api/v1/openapi.json"))) as Document;
  client = new CheckedClient({ port, document });
  await client.post("/api/v1/worker/pause", { reason: "nothing is to be run here" });
  const task = await client.post("/api/v1/tasks", { payload: { command: ["true"] } });
  const { taskId } = task.json as { taskId: string };
  const { workerId } = (await client.get("/api/v1/session")).json as { workerId: string };
  // Of what there is not, that is to be said.
  names = { task: taskId, run: "0", worker: workerId, name: "payload" };
});

afterAll(async () => {
  worker.kill("SIGTERM");
  await worker;
  await rm(folder, { recursive: true, force: true });
});

function startWorker(config: string) {
  const args = ["worker", "--log-format", "text", "--config", config];
  return execa(process.execPath, [MAIN, ...args], { reject: false, stdin: "ignore" });
}

async function untilListens(): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  let text = "";
  worker.stderr.on("data", (chunk: Buffer) => {
    text += chunk;
    const [, found] = /listens on http:\/\/127\.0\.0\.1:(\d+)/.exec(text) ?? [];
    if (found !== undefined && text.includes("claims tasks from")) resolve(Number(found));
  });
  void worker.then(() => reject(new Error(text)));
  return await promise;
}

async function get(path: string): Promise<IncomingMessage> {
  const asked = request({ host: "127.0.0.1", port, path, agent: false });
  asked.end();
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  return response;
}

/** Ends never. */
const ENDLESS = ["followEvents"];
/** With what they ask for the worker would end; what it takes for a mistake is described too. */
const FINAL = ["drainThisWorker", "stopThisWorker", "drainWorker", "stopWorker"];

/** All others have nothing to tell of a worker without images, machines and runs. */
const SUCCEED = [
  ...["cancelTask", "checkTask", "copyTask", "getHealth", "getMetrics", "getOpenApi", "getQueue", "getRun"],
  ...["getSchema", "getSession", "getTask", "getThisWorker", "listArtifacts", "listImageJobs", "listImages"],
  ...["listMachines", "listScreenshots", "listTaskArtifacts", "listTasks", "listWorkers"],
  ...["pauseThisWorker", "pauseWorker", "rerunTask"],
];

describe("every operation of a worker", () => {
  it("answers as it is described", async () => {
    const all = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ ...operation, method: method.toUpperCase(), path })),
    );
    const plain = all.filter((each) => each["x-websocket"] !== true && !ENDLESS.includes(each.operationId));
    expect(plain.length).toBeGreaterThan(45);
    for (const { method, path, operationId } of plain) {
      const address = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => names[name] ?? "none");
      const body = FINAL.includes(operationId) ? { reason: 5 } : {};
      const { status, operation } = await client.ask(method, address, method === "GET" ? {} : { body });
      expect(operation).toBe(operationId);
      // It is paused, and says so.
      if (operationId !== "getReadiness")
        expect({ operationId, isMistake: status >= 500 }).toMatchObject({ isMistake: false });
    }
    const succeeded = [...client.answered].filter(([, statuses]) => [...statuses].some((status) => status < 300));
    expect(succeeded.map(([name]) => name)).toEqual(expect.arrayContaining(SUCCEED));
    expect([...client.answered.keys(), ...ENDLESS].sort()).toEqual(client.operations.toSorted());
  });

  it("that never ends begins at once", async () => {
    const response = await get("/api/v1/events");
    expect([response.statusCode, response.headers["content-type"]]).toEqual([
      200,
      expect.stringMatching(/^text\/event-stream/),
    ]);
    const [first] = (await once(response, "data")) as [Buffer];
    expect(first.toString()).toContain("event: hello");
    response.destroy();
  });

  it("does not take what it does not know", async () => {
    for (const { method, path } of Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => ({ method: method.toUpperCase(), path })),
    )) {
      const address = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => names[name] ?? "none");
      if (path.endsWith("/oidc/callback")) continue;
      const { status } = await client.ask(
        method,
        `${address}?no-such-parameter=1`,
        method === "GET" ? {} : { body: {} },
      );
      expect({ method, path, status: status >= 400 && status < 500 }).toEqual({ method, path, status: true });
    }
  });
});
