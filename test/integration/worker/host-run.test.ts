import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { resolveConfig } from "../../../src/config/config.ts";
import { FEATURES } from "../../../src/feature/all.ts";
import { ImageStore } from "../../../src/image/store/image-store.ts";
import { HostRun } from "../../../src/worker/host-run.ts";
import { hostFolders, type TaskHost } from "../../../src/worker/task-host.ts";
import { TaskLogs } from "../../../src/worker/task-logs.ts";
import { TaskNetworks } from "../../../src/worker/task-networks.ts";
import { FakeClaim } from "../../fakes/fake-queue.ts";
import { openNetworks } from "../../fixtures/network/machine-networks.ts";

let directory: string;
let logged: string[];
let host: TaskHost;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "boxcar-host-run-"));
  logged = [];
  const folders = { stateDir: directory, runDir: join(directory, "run") };
  const config = resolveConfig(folders, { env: {}, uid: 0, home: directory, host: { memoryMiB: 65_536, cpus: 8 } });
  const logs = new TaskLogs({ tasks: undefined, runsFolder: hostFolders(config).runs });
  host = {
    ...{ config, pool: undefined, features: FEATURES, manifestKey: undefined, workerId: "a-worker" },
    networks: await openNetworks(directory),
    images: await ImageStore.open({ directory: join(directory, "images") }),
    agentFile: () => "/nowhere",
    chooseAccelerator: async () => "tcg",
    logs,
    reports: new TaskNetworks(logs),
    logger: { log: (_level, message) => void logged.push(message) },
  };
});

afterEach(async () => {
  await host.images[Symbol.asyncDispose]();
  await host.networks[Symbol.asyncDispose]();
  await rm(directory, { recursive: true });
});

const signal = new AbortController().signal;

describe("a run on this host", () => {
  it("takes no more memory when its machine is gone", async () => {
    const run = new HostRun(new FakeClaim({ command: [] }), host);
    expect(await run.untouchedMemoryMiB()).toBe(host.config.machineOptions.maxMemory);
    const resolution = await run.execute(signal);
    expect(resolution).toMatchObject({ kind: "exception", reason: "malformed-payload" });
    expect(await run.untouchedMemoryMiB()).toBe(0);
    await run.close({ resolution });
  });

  it("says in the log of the worker what comes after the end of its own", async () => {
    const claim = new FakeClaim({ command: [] });
    const run = new HostRun(claim, host);
    const resolution = await run.execute(signal);
    run.note("this is in the log of the task");
    await run.publish(resolution, signal);
    run.note("the queue cannot be told how the task ended");
    await run.close({ resolution });
    expect(claim.put).toMatchObject([{ name: "public/logs/task.log" }]);
    expect(logged).toEqual(["the queue cannot be told how the task ended"]);
    expect(await readdir(hostFolders(host.config).runs)).toEqual([]);
  });
});
