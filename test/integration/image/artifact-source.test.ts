/** Images that are artifacts of a Taskcluster deployment, through the claim of a task. */
import { createHash, randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { type AcquireImageOptions, acquireImage } from "../../../src/image/source/acquire.ts";
import type { ImageSpec } from "../../../src/image/source/spec.ts";
import { ImageStore } from "../../../src/image/store/image-store.ts";
import { BinaryZstd } from "../../../src/image/zstd/binary-zstd.ts";
import type { FakeTask, FakeTaskDefinition } from "../../fakes/fake-taskcluster-tasks.ts";
import { Deployment, never } from "../queue-taskcluster/harness.ts";
import { ArchiveFolder } from "./archives.ts";

const folder = new ArchiveFolder();
afterAll(() => folder[Symbol.dispose]());
const imageDirectory = folder.makeImage();
writeFileSync(join(imageDirectory, "kernel"), randomBytes(100_000));
const bytes = readFileSync(folder.pack(imageDirectory, ["--format=posix", "-S", "kernel", "machine.json", "disk.img"]));
const digestOf = (algorithm: string) => createHash(algorithm).update(bytes).digest("hex");
const digest = `sha256:${digestOf("sha256")}`;

let count = 0;
let store: ImageStore;
beforeEach(async () => {
  const directory = join(folder.path, `store-${count++}`);
  store = await ImageStore.open({ directory, limits: { reserveBytes: 0 }, zstd: new BinaryZstd() });
});

const policy = { allowPaths: false, allowUrls: false, allowArtifacts: true };

/** A task that has left an image, and another that wants it; both are claimed. */
class Pair implements AsyncDisposable {
  readonly deployment: Deployment;
  readonly maker: FakeTask;

  private constructor(deployment: Deployment, maker: FakeTask) {
    this.deployment = deployment;
    this.maker = maker;
  }

  static async start(name: string, artifact: "s3" | "object" | "gzip" | "error" | string): Promise<Pair> {
    const storage = artifact === "object" ? "object" : "s3";
    const deployment = await Deployment.start({}, { artifactStorage: storage });
    const { task, claim } = await deployment.claimed();
    const { artifacts } = claim;
    if (artifact === "gzip") {
      const packed = { contentEncoding: "gzip" as const };
      await artifacts.putFile(
        await deployment.file("image", gzipSync(bytes), packed).then((file) => ({ ...file, name })),
        never,
      );
    } else if (artifact === "error") {
      await artifacts.putError({ name, reason: "file-missing-on-worker", message: "it was not built" }, never);
    } else if (artifact.startsWith("http")) {
      await artifacts.putLink?.({ name, contentType: "application/zstd", url: artifact }, never);
    } else {
      await artifacts.putFile({ ...(await deployment.file("image", bytes)), name }, never);
    }
    await claim.resolve({ kind: "completed" });
    return new Pair(deployment, task);
  }

  async acquire(
    image: ImageSpec,
    definition: FakeTaskDefinition = {},
    options: Partial<AcquireImageOptions> = {},
  ): Promise<string> {
    const { claim } = await this.deployment.claimed(definition);
    await using lease = await acquireImage(store, image, {
      policy,
      origin: claim.origin,
      download: { backOffMs: 1, maxAttempts: 3, stallMs: 2_000 },
      ...options,
    });
    return lease.image.digest;
  }

  get downloads(): number {
    return this.deployment.fake.seen("get").length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.deployment[Symbol.asyncDispose]();
  }
}

describe("an image that is an artifact", () => {
  it.each(["s3", "object"])("is fetched from the storage %s, once", async (storage) => {
    await using pair = await Pair.start("public/image.tar.zst", storage);
    const { taskId } = pair.maker;
    const image = { taskId, runId: 0, artifact: "public/image.tar.zst" };
    expect(await pair.acquire(image)).toBe(digest);
    expect(await pair.acquire(image)).toBe(digest);
    expect(pair.downloads).toBe(1);
    expect(pair.deployment.fake.seen("artifact")).toHaveLength(2);
  });

  it("is that of the latest run where none is named, and of what the index has", async () => {
    await using pair = await Pair.start("public/image.tar.zst", "s3");
    const { fake } = pair.deployment;
    fake.index.set("proj.images.debian", pair.maker.taskId);
    expect(await pair.acquire({ taskId: pair.maker.taskId, artifact: "public/image.tar.zst" })).toBe(digest);
    expect(await pair.acquire({ namespace: "proj.images.debian", artifact: "public/image.tar.zst" })).toBe(digest);
    expect((await store.list()).length).toBe(1);
    fake.index.clear();
    const gone = pair.acquire({ namespace: "proj.images.debian", artifact: "public/image.tar.zst" });
    await expect(gone).rejects.toMatchObject({ code: "artifact-not-found", blame: "task" });
  });

  it("is unpacked where its storage has it packed", async () => {
    await using pair = await Pair.start("public/image.tar.zst", "gzip");
    expect(await pair.acquire({ taskId: pair.maker.taskId, artifact: "public/image.tar.zst" })).toBe(digest);
  });

  it("is only for tasks with the scope, also when it is in the store", async () => {
    await using pair = await Pair.start("private/image.tar.zst", "s3");
    const image = {
      taskId: pair.maker.taskId,
      runId: 0,
      artifact: "private/image.tar.zst",
      sha256: digestOf("sha256"),
    };
    const scope = "queue:get-artifact:private/image.tar.zst";
    const refusal = { code: "artifact-refused", blame: "task", message: expect.stringContaining(scope) };
    await expect(pair.acquire(image)).rejects.toMatchObject(refusal);
    expect(await pair.acquire(image, { scopes: ["queue:get-artifact:private/*"] })).toBe(digest);
    await expect(pair.acquire(image, { scopes: ["queue:get-artifact:secret/*"] })).rejects.toMatchObject(refusal);
    expect(pair.downloads).toBe(1);
  });

  it("must have the digests that are asked for", async () => {
    await using pair = await Pair.start("public/image.tar.zst", "s3");
    const image = { taskId: pair.maker.taskId, runId: 0, artifact: "public/image.tar.zst" };
    const wrong = { ...image, sha256: digestOf("sha256"), md5: "0".repeat(32) };
    await expect(pair.acquire(wrong)).rejects.toMatchObject({ code: "image-digest-mismatch", blame: "task" });
    expect(await store.list()).toEqual([]);
    expect(await pair.acquire({ ...image, sha512: digestOf("sha512"), sha1: digestOf("sha1") })).toBe(digest);
  });

  it("is refused where the object service knows another digest than the task", async () => {
    await using pair = await Pair.start("public/image.tar.zst", "object");
    const image = { taskId: pair.maker.taskId, artifact: "public/image.tar.zst", sha256: "0".repeat(64) };
    await expect(pair.acquire(image)).rejects.toMatchObject({ code: "image-digest-mismatch" });
    expect(pair.downloads).toBe(0);
  });

  it("that is not there, or has no content, is the task's fault", async () => {
    await using pair = await Pair.start("public/image.tar.zst", "error");
    const { taskId } = pair.maker;
    const faults = [
      [{ taskId, artifact: "public/image.tar.zst" }, "it was not built"],
      [{ taskId, artifact: "public/other.tar.zst" }, "public/other.tar.zst"],
      [{ taskId: "AAAAAAAAAAAAAAAAAAAAAA", artifact: "public/image.tar.zst" }, "AAAAAAAAAAAAAAAAAAAAAA"],
    ] as const;
    for (const [image, text] of faults) {
      const expected = { code: "artifact-not-found", blame: "task", message: expect.stringContaining(text) };
      await expect(pair.acquire(image)).rejects.toMatchObject(expected);
    }
  });

  it("that leads to an address is held to what tasks may name by URL", async () => {
    await using pair = await Pair.start("public/image.tar.zst", "http://127.0.0.1:1/image.tar.zst");
    const image = { taskId: pair.maker.taskId, runId: 0, artifact: "public/image.tar.zst" };
    await expect(pair.acquire(image)).rejects.toMatchObject({ code: "image-url-not-allowed", blame: "task" });
    const publicOnly = { policy: { ...policy, allowUrls: true } };
    await expect(pair.acquire(image, {}, publicOnly)).rejects.toMatchObject({ code: "address-refused", blame: "task" });
  });

  it("is asked for again when the queue has a bad moment, and given up on when that lasts", async () => {
    await using pair = await Pair.start("public/image.tar.zst", "s3");
    const { fake } = pair.deployment;
    const image = { taskId: pair.maker.taskId, runId: 0, artifact: "public/image.tar.zst" };
    fake.fail("artifact", { kind: "status", status: 503 });
    fake.fail("artifact", { kind: "cut" });
    fake.fail("get", { kind: "status", status: 500 });
    expect(await pair.acquire(image)).toBe(digest);
    fake.fail("artifact", { kind: "status", status: 500 }, 3);
    await expect(pair.acquire(image)).rejects.toMatchObject({ code: "queue-unavailable", blame: "upstream" });
  });

  it("is refused where there is no queue, or the worker takes none", async () => {
    const image = { taskId: "AAAAAAAAAAAAAAAAAAAAAA", artifact: "a" };
    await expect(acquireImage(store, image, { policy })).rejects.toMatchObject({
      ...{ code: "image-artifact-not-found", blame: "task", message: expect.stringContaining("there is no queue") },
    });
    const refusing = { policy: { ...policy, allowArtifacts: false } };
    await expect(acquireImage(store, image, refusing)).rejects.toMatchObject({ code: "image-artifact-not-allowed" });
  });
});
