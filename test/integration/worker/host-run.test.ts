import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Cancellation } from "../../../src/base/errors.ts";
import { resolveConfig } from "../../../src/config/config.ts";
import { FEATURES } from "../../../src/feature/all.ts";
import { ImageStore } from "../../../src/image/store/image-store.ts";
import type { FileArtifact } from "../../../src/queue/driver.ts";
import { openSnapshots } from "../../../src/snapshot/open-snapshots.ts";
import { HostRun } from "../../../src/worker/host-run.ts";
import { HostRuns } from "../../../src/worker/lookup/host-runs.ts";
import { joinObservers, type WorkerObserver } from "../../../src/worker/observer.ts";
import { hostFolders, type TaskHost } from "../../../src/worker/task-host.ts";
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
  const runs = new HostRuns({ tasks: undefined, runsFolder: hostFolders(config).runs });
  const images = await ImageStore.open({ directory: join(directory, "images") });
  host = {
    ...{ config, pool: undefined, features: FEATURES, manifestKey: undefined, workerId: "a-worker" },
    networks: await openNetworks(directory),
    images,
    snapshots: await openSnapshots(config, images),
    agentFile: () => "/nowhere",
    chooseAccelerator: async () => "tcg",
    runs,
    observer: undefined,
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

describe("the report of a run", () => {
  const payload = { command: ["true"], image: "no-such-image" };

  it("can be asked for while the run lives, and is among its artifacts then", async () => {
    const claim = new FakeClaim(payload);
    const run = new HostRun(claim, host);
    const key = { task: "a-task", run: 0 };
    const resolution = await run.execute(signal);
    const live = await host.runs.reports.find(key);
    expect(live).toMatchObject({
      phases: [{ name: "prepare" }, { name: "image", durationMs: expect.any(Number) }],
      steps: [],
      workerId: "a-worker",
    });
    await run.publish(resolution, signal);
    const artifact = claim.put.find(({ name }) => name === "public/logs/run.json");
    expect(JSON.parse(await readFile((artifact as FileArtifact).file, "utf8"))).toEqual(live);
    await run.close({ resolution });
    await expect(host.runs.reports.find(key)).resolves.toBeUndefined();
  });

  it("stays on this host where the run was lost", async () => {
    const run = new HostRun(new FakeClaim(payload), host);
    await run.execute(signal);
    await run.close({ lost: new Cancellation("claim-expired", "it was too late") });
    const report = await host.runs.reports.find({ task: "a-task", run: 0 });
    expect(report?.phases.map(({ name }) => name)).toEqual(["prepare", "image"]);
  });

  it("is told to who observes, with every phase, and variables of his are for the guest", async () => {
    const seen: string[] = [];
    const observed: WorkerObserver = {
      claimed: ({ taskId }) => ({
        logFields: { traceId: "a-trace" },
        phaseBegan: (phase) => void seen.push(`${phase} began`),
        phaseEnded: (phase) => void seen.push(`${phase} ended`),
        over: (ending, { artifacts, logBytes }) => {
          const names = artifacts.map(({ name }) => name);
          seen.push(
            `${taskId} is over: ${"resolution" in ending && ending.resolution.kind}, ${names}, ${logBytes > 0}`,
          );
        },
      }),
    };
    const broken: WorkerObserver = {
      claimed: () => ({
        phaseBegan: () => {
          throw new Error("out of order");
        },
      }),
    };
    const run = new HostRun(new FakeClaim(payload), {
      ...host,
      observer: joinObservers([broken, observed], host.logger),
    });
    expect(run.logFields).toEqual({ traceId: "a-trace" });
    const resolution = await run.execute(signal);
    await run.publish(resolution, signal);
    await run.close({ resolution });
    expect(seen).toEqual([
      ...["prepare began", "prepare ended", "image began", "image ended", "publish began", "publish ended"],
      "a-task is over: exception, public/logs/task.log,public/logs/run.json, true",
    ]);
    expect(logged).toHaveLength(3);
    expect(logged[0]).toContain("out of order");
  });
});
