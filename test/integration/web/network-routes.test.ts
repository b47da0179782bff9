import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { type IncomingMessage, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { json } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { HOST } from "../../../src/access/principal.ts";
import { createApp } from "../../../src/web/api/app.ts";
import { networkRoutes } from "../../../src/web/runs/network-routes.ts";
import { HttpService } from "../../../src/web/server/service.ts";
import { LiveRuns } from "../../../src/worker/lookup/live-runs.ts";
import { TaskLogs } from "../../../src/worker/lookup/task-logs.ts";
import { TaskNetworks } from "../../../src/worker/lookup/task-networks.ts";

const ENTRY = { time: "2026-11-21T00:00:00.000Z", kind: "dns", decision: "refused", name: "a.example" } as const;

let directory: string;
let networks: TaskNetworks;
let live: LiveRuns;
let service: HttpService;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "boxcar-network-routes-"));
  live = new LiveRuns();
  networks = new TaskNetworks(new TaskLogs({ tasks: undefined, runsFolder: directory }), live);
  const app = createApp({ routes: networkRoutes((key) => networks.find(key)), authenticate: async () => HOST });
  service = await HttpService.listen({ host: "127.0.0.1", port: 0 }, app);
});

afterEach(async () => {
  await service[Symbol.asyncDispose]();
  await rm(directory, { recursive: true });
});

async function ask(path: string) {
  const asked = request({ port: service.port, host: "127.0.0.1", path: `/api/v1/tasks/${path}`, agent: false });
  asked.end();
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  return { status: response.statusCode, body: await json(response) };
}

describe("the network of a run over HTTP", () => {
  it("is told by who has the machine, and later out of the log", async () => {
    const report = { live: true, entries: [ENTRY] };
    using _announced = live.announce("a-task", 0, { network: { report: async () => report } });
    expect(await ask("a-task/runs/0/network")).toEqual({ status: 200, body: report });
    expect(await ask("a-task/runs/latest/network")).toEqual({ status: 200, body: report });

    await mkdir(join(directory, "a-task/1"), { recursive: true });
    await writeFile(join(directory, "a-task/1/network.jsonl"), `${JSON.stringify(ENTRY)}\n`);
    expect(await ask("a-task/runs/1/network")).toEqual({ status: 200, body: { live: false, entries: [ENTRY] } });
  });

  it("is not there before the machine is, and not where nothing was asked for", async () => {
    using _announced = live.announce("a-task", 0, { network: undefined });
    for (const path of ["a-task/runs/0/network", "b-task/runs/latest/network"]) {
      const message = expect.stringContaining("has not begun, or has asked for nothing");
      expect(await ask(path)).toMatchObject({ status: 404, body: { code: "network-not-found", message } });
    }
    expect(await ask("a-task/runs/first/network")).toMatchObject({ status: 400, body: { code: "bad-request" } });
  });
});
