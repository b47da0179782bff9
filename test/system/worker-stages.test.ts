/** A run that is lost at any stage: its machine is gone in seconds, nothing is left of it but its log. */
import { once } from "node:events";
import { createReadStream } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Phase } from "../../src/worker/task-result.ts";
import { FakeClaim } from "../fakes/fake-queue.ts";
import { Boxcar, packDefaultImage } from "./boxcar.ts";
import { WorkerInProcess } from "./workers.ts";

const SMALL = { memory: 256, cores: 1 };
const task = (payload: object) => new FakeClaim({ machine: SMALL, ...payload });

let boxcar: Boxcar;

beforeEach(async () => {
  boxcar = await Boxcar.open();
});

afterEach(() => boxcar[Symbol.asyncDispose]());

async function untilPhase(the: WorkerInProcess, phase: Phase | "publish"): Promise<void> {
  await the.until(({ running }) => running[0]?.phase === phase);
}

/** Loses the run once `stage` is reached; what its log says is returned. */
async function lose(the: WorkerInProcess, claim: FakeClaim, stage: () => Promise<unknown>): Promise<string> {
  the.queue.add(claim);
  await stage();
  claim.lose("canceled");
  await the.until(({ finished }) => finished.total === 1);
  expect(the.worker.status.finished.byEnd).toEqual({ canceled: 1 });
  expect(claim.resolutions).toEqual([]);
  expect(await boxcar.leftovers()).toEqual([]);
  expect(await readdir(join(the.config.stateDir, "staging"))).toEqual([]);
  return await the.log(claim.task.taskId);
}

describe("a run that is cancelled", () => {
  it("before anything of it has begun leaves nothing", async () => {
    await using the = await WorkerInProcess.open(boxcar);
    const claim = task({ command: ["true"] });
    claim.lose("canceled");
    the.queue.add(claim);
    await the.until(({ finished }) => finished.total === 1);
    expect(await boxcar.leftovers()).toEqual([]);
  });

  it.each(["start", "boot", "run"] as const)("in the phase %s leaves nothing but its log", async (phase) => {
    await using the = await WorkerInProcess.open(boxcar);
    await lose(the, task({ command: ["sleep", "60"] }), () => untilPhase(the, phase));
  });

  it("keeps what its command has printed last", async () => {
    await using the = await WorkerInProcess.open(boxcar);
    const claim = task({ command: ["sh", "-c", "echo the last wo''rds; sleep 60"] });
    const log = await lose(the, claim, async () => {
      await untilPhase(the, "run");
      while (!(await the.log("a-task")).includes("the last words")) await new Promise(setImmediate);
    });
    expect(log).toMatch(/the last words\n.*the run is over: canceled/s);
  });

  it("while artifacts are collected leaves none of them", async () => {
    await using the = await WorkerInProcess.open(boxcar);
    const huge = [{ name: "huge", path: "huge" }];
    await lose(the, task({ command: ["sh", "-c", "truncate -s 4G huge"], artifacts: huge }), () =>
      untilPhase(the, "collect"),
    );
  });

  it("while artifacts are uploaded stops that", async () => {
    await using the = await WorkerInProcess.open(boxcar);
    const claim = task({ command: ["sh", "-c", "echo > file"], artifacts: [{ name: "file", path: "file" }] });
    const uploading = Promise.withResolvers<void>();
    claim.artifacts.putFile = async (_artifact, signal) => {
      uploading.resolve();
      await once(signal, "abort");
      throw signal.reason;
    };
    await lose(the, claim, () => uploading.promise);
  });
});

describe("a run that is cancelled while its image is brought", () => {
  let folder: string;
  let archive: string;
  let server: Server;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "boxcar-image-"));
    archive = join(folder, "archive.tar.zst");
    await packDefaultImage(archive);
    // As much as is asked for, but never all of it.
    server = createServer((_request, response) => {
      response.writeHead(200, { "content-length": 2 ** 40 });
      createReadStream(archive, { end: 100_000 }).pipe(response, { end: false });
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
  });

  afterAll(async () => {
    server.closeAllConnections();
    server.close();
    await rm(folder, { recursive: true });
  });

  beforeEach(async () => {
    await boxcar[Symbol.asyncDispose]();
    boxcar = await Boxcar.open({ ownImages: true });
  });

  it("by a download", async () => {
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    await using the = await WorkerInProcess.open(boxcar, { images: { allowUrls: [origin] } });
    const requested = once(server, "request");
    await lose(the, task({ command: ["true"], image: `${origin}image.tar.zst` }), () => requested);
  });

  it("by unpacking it", async () => {
    await using the = await WorkerInProcess.open(boxcar);
    await lose(the, task({ command: ["true"], image: archive }), () => untilPhase(the, "image"));
  });
});

describe("a run that ends", () => {
  it("has its artifacts with the queue before the queue is told, and leaves nothing on the host", async () => {
    await using the = await WorkerInProcess.open(boxcar);
    const artifacts = [
      { name: "public/out.txt", path: "out.txt" },
      { name: "public/none.txt", path: "none.txt" },
    ];
    const claim = task({ command: ["sh", "-c", "echo out > out.txt"], artifacts });
    the.queue.add(claim);
    await expect(claim.told).resolves.toMatchObject({ kind: "failed", reason: "file-missing-on-worker" });
    expect(claim.put).toContainEqual(
      expect.objectContaining({ name: "public/out.txt", sizeBytes: 4, contentType: "text/plain" }),
    );
    expect(claim.put).toContainEqual(
      expect.objectContaining({ name: "public/none.txt", reason: "file-missing-on-worker" }),
    );
    const log = claim.put.find(({ name }) => name === "public/logs/task.log");
    expect(log).toMatchObject({ contentType: "text/plain; charset=utf-8", contentEncoding: "gzip" });
    await the.until(({ finished }) => finished.total === 1);
    expect(await boxcar.leftovers()).toEqual([]);
    expect(await readdir(join(the.config.stateDir, "runs"))).toEqual([]);
  });

  it("says everything that is wrong with its payload, in its log too", async () => {
    await using the = await WorkerInProcess.open(boxcar);
    const claim = new FakeClaim({ command: "true", colour: "red" });
    the.queue.add(claim);
    const resolution = await claim.told;
    expect(resolution).toMatchObject({ kind: "exception", reason: "malformed-payload" });
    expect(JSON.stringify(resolution)).toMatch(/command.*colour|colour.*command/s);
  });
});
