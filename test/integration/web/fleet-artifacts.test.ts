/** Images that are artifacts of a queue in PostgreSQL: on this host, and on that of another worker. */
import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { HostArtifacts } from "../../../src/artifact/host-artifacts.ts";
import { Scope } from "../../../src/base/scope.ts";
import { acquireImage } from "../../../src/image/source/acquire.ts";
import type { ImageSpec } from "../../../src/image/source/spec.ts";
import { ImageStore } from "../../../src/image/store/image-store.ts";
import { BinaryZstd } from "../../../src/image/zstd/binary-zstd.ts";
import { connectionOfUrl } from "../../../src/queue/postgres/connection.ts";
import { PostgresQueue } from "../../../src/queue/postgres/postgres-queue.ts";
import { FleetArtifacts } from "../../../src/web/fleet/fleet-artifacts.ts";
import { artifactRoutes } from "../../../src/web/runs/artifact-routes.ts";
import { PostgresServer } from "../../postgres-server.ts";
import { ArchiveFolder, sha256Of } from "../image/archives.ts";
import { FleetServices } from "./fleet-services.ts";

const archives = new ArchiveFolder();
const imageDirectory = archives.makeImage();
await writeFile(join(imageDirectory, "kernel"), randomBytes(100_000));
const archive = archives.pack(imageDirectory, ["--format=posix", "-S", "kernel", "machine.json", "disk.img"]);
const digest = `sha256:${sha256Of(archive)}`;
const signal = new AbortController().signal;
const policy = { allowPaths: false, allowUrls: false, allowArtifacts: true };
const name = "public/my image.tar.zst";

const scope = new Scope();
let folder: string;
let fleet: FleetServices;
let origin: FleetArtifacts;
let store: ImageStore;
const queues: Record<string, PostgresQueue> = {};

beforeAll(async () => {
  const server = scope.use(await PostgresServer.start());
  const connection = connectionOfUrl(await server.createDatabase());
  folder = await mkdtemp("/tmp/bxfleet-");
  scope.defer(() => rm(folder, { recursive: true }));
  for (const worker of ["asked", "other"]) {
    const files = await HostArtifacts.open(join(folder, worker));
    queues[worker] = scope.use(await PostgresQueue.open({ connection, files }));
  }
  fleet = scope.use(
    await FleetServices.start({ worker: (id) => ({ routes: id === "other" ? artifactRoutes(queueOf("other")) : [] }) }),
  );
  origin = new FleetArtifacts({ self: "asked", tasks: queueOf("asked"), workers: fleet.directory });
});

afterAll(async () => {
  await scope[Symbol.asyncDispose]();
  archives[Symbol.dispose]();
});

let count = 0;
beforeEach(async () => {
  const directory = join(folder, `store-${count++}`);
  store = await ImageStore.open({ directory, limits: { reserveBytes: 0 }, zstd: new BinaryZstd() });
});

function queueOf(worker: string): PostgresQueue {
  return queues[worker] as PostgresQueue;
}

/** A task that has left the archive on the host of a worker; resolves with its id. */
async function made(worker: string, encoding?: "gzip" | "zstd"): Promise<string> {
  const queue = queueOf(worker);
  const { taskId } = await queue.submit({ payload: { command: ["true"] }, queue: worker });
  const driver = queue.openDriver({ queue: worker, workerId: worker, leaseMs: 60_000 });
  const [claim] = await driver.claim(1, signal);
  if (claim === undefined) throw new Error("nothing was claimed");
  const bytes = await readFile(archive);
  const pack = encoding === "gzip" ? gzipSync : encoding === "zstd" ? zstdCompressSync : (content: Buffer) => content;
  const file = archives.file(`staged-${count++}`, pack(bytes));
  const packed = encoding === undefined ? {} : { contentEncoding: encoding };
  const sizeBytes = (await readFile(file)).length;
  const facts = { name, file, sizeBytes, sha256: sha256Of(file), contentType: "application/zstd", ...packed };
  await claim.artifacts.putFile(facts, signal);
  await claim.artifacts.putLink?.({ name: "public/latest", contentType: "application/zstd", artifact: name }, signal);
  await claim.artifacts.putLink?.(
    { name: "public/away", contentType: "application/zstd", url: "http://127.0.0.1:1/" },
    signal,
  );
  const error = { reason: "file-missing-on-worker", message: "there was no file" } as const;
  await claim.artifacts.putError({ name: "public/none", ...error }, signal);
  await claim.resolve({ kind: "completed" });
  await driver[Symbol.asyncDispose]();
  return taskId;
}

async function acquire(image: ImageSpec): Promise<string> {
  await using lease = await acquireImage(store, image, { policy, origin, download: { backOffMs: 1, maxAttempts: 3 } });
  return lease.image.digest;
}

describe.each(["asked", "other"])("an image that a task has left on the host of the worker %s", (worker) => {
  it.each([
    ["as it is", undefined],
    ["packed with gzip", "gzip"],
    ["packed with zstd", "zstd"],
  ] as const)("is there for others, kept %s", async (_, encoding) => {
    const taskId = await made(worker, encoding);
    expect(await acquire({ taskId, artifact: name })).toBe(digest);
    expect(await acquire({ taskId, runId: 0, artifact: "public/latest", sha256: digest.slice(7) })).toBe(digest);
    expect((await store.list()).length).toBe(1);
  });

  it("must be what the task says", async () => {
    const taskId = await made(worker);
    const wrong = acquire({ taskId, artifact: name, md5: "0".repeat(32) });
    await expect(wrong).rejects.toMatchObject({ code: "image-digest-mismatch", blame: "task" });
    expect(await store.list()).toEqual([]);
  });
});

describe("an artifact that is no image for a task", () => {
  it.each([
    [{ artifact: "public/nothing" }, "image-artifact-not-found", "there is no artifact"],
    [{ artifact: "../../etc/passwd" }, "image-artifact-not-found", "relative path"],
    [{ artifact: "public/none" }, "image-artifact-not-found", "there was no file"],
    [{ artifact: name, runId: 7 }, "image-artifact-not-found", "has had 1 runs"],
    [{ artifact: "public/away" }, "image-url-not-allowed", "images.allowUrls"],
    [{ artifact: "private/interactive/sockets.json" }, "image-artifact-refused", "leads into a machine"],
  ])("is refused: %j", async (reference, code, text) => {
    const taskId = await made("asked");
    const expected = { code, blame: "task", message: expect.stringContaining(text) };
    await expect(acquire({ taskId, ...reference })).rejects.toMatchObject(expected);
  });

  it("is one of a task that is not there, or of an index", async () => {
    await expect(acquire({ taskId: "AAAAAAAAAAAAAAAAAAAAAA", artifact: name })).rejects.toMatchObject({
      ...{ code: "task-not-found", blame: "task" },
    });
    const indexed = acquire({ namespace: "a.b", artifact: name });
    await expect(indexed).rejects.toMatchObject({ blame: "task", message: expect.stringContaining("has no index") });
  });
});

it("that was removed from the disk is said to be gone, not where it was", async () => {
  const taskId = await made("asked");
  await rm(join(folder, "asked", taskId), { recursive: true });
  const error = await acquire({ taskId, artifact: name }).catch((error: unknown) => error);
  expect(error).toMatchObject({ code: "image-artifact-not-found", blame: "task" });
  expect((error as Error).message).not.toContain(folder);
});

it("is to be had later where the worker that has it is gone", async () => {
  const taskId = await made("other");
  const tasks = queueOf("asked");
  const nobody = { find: async () => undefined, fleetKey: () => fleet.directory.fleetKey() };
  const alone = new FleetArtifacts({ self: "asked", tasks, workers: nobody });
  const gone = acquireImage(store, { taskId, artifact: name }, { policy, origin: alone, download: { backOffMs: 1 } });
  await expect(gone).rejects.toMatchObject({ code: "worker-gone", blame: "upstream" });
});
