import { randomBytes } from "node:crypto";
import { truncate } from "node:fs/promises";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { sha256 } from "../../fakes/fake-taskcluster-store.ts";
import { Deployment, failureOf, never } from "./harness.ts";

const LOG = Buffer.from("a line of the log\n".repeat(1_000));

describe("artifacts in Taskcluster's S3", () => {
  it("sends the file with its type, encoding and length, and keeps it as long as the task", async () => {
    await using deployment = await Deployment.start();
    const { fake } = deployment;
    const { task, claim } = await deployment.claimed();
    const packed = gzipSync(LOG);
    await claim.artifacts.putFile(
      await deployment.file("public/logs/live_backing.log", packed, { contentEncoding: "gzip" }),
      never,
    );
    const stored = fake.store.files.get(`${task.taskId}/0/public/logs/live_backing.log`);
    expect(stored).toEqual({ bytes: packed, contentType: "text/plain", contentEncoding: "gzip" });
    expect(fake.artifact(task, "public/logs/live_backing.log")).toMatchObject({
      storageType: "s3",
      expires: task.expires,
    });
    expect(fake.seen("put")[0]?.headers).toMatchObject({ "content-length": String(packed.length) });
    expect(fake.seen("createArtifact")[0]?.body).not.toHaveProperty("contentLength");
  });

  it("keeps no artifact longer than its task, and one shorter that wants it", async () => {
    await using deployment = await Deployment.start();
    const { fake } = deployment;
    const { task, claim } = await deployment.claimed();
    const soon = new Date(Date.now() + 1_000_000);
    await claim.artifacts.putFile(await deployment.file("long", LOG, { expires: new Date(4e12) }), never);
    await claim.artifacts.putFile(await deployment.file("short", LOG, { expires: soon }), never);
    expect(fake.artifact(task, "long")?.expires).toEqual(task.expires);
    expect(fake.artifact(task, "short")?.expires).toEqual(soon);
  });

  it("sends files that are empty, and large, without reading them into memory", async () => {
    await using deployment = await Deployment.start();
    const { fake } = deployment;
    const { task, claim } = await deployment.claimed();
    const large = randomBytes(20_000_000);
    await claim.artifacts.putFile(await deployment.file("empty", Buffer.alloc(0)), never);
    await claim.artifacts.putFile(await deployment.file("large", large), never);
    expect(fake.store.files.get(`${task.taskId}/0/empty`)?.bytes).toHaveLength(0);
    expect(sha256(fake.store.files.get(`${task.taskId}/0/large`)?.bytes ?? Buffer.alloc(0))).toBe(sha256(large));
  });

  it.each([
    ["answers 500", { kind: "status", status: 500, body: "<Error><Code>InternalError</Code></Error>" }],
    ["answers 503", { kind: "status", status: 503, body: "<Error><Code>SlowDown</Code></Error>" }],
    ["lost patience", { kind: "status", status: 400, body: "<Error><Code>RequestTimeout</Code></Error>" }],
    ["cuts the connection", { kind: "cut" }],
    ["cuts the connection in the middle", { kind: "cut-body" }],
    ["loses its answer", { kind: "lose-answer" }],
    ["never answers", { kind: "hang" }],
  ] as const)("asks for another attempt if the store %s, ten times", async (_, fault) => {
    await using deployment = await Deployment.start({}, { timeouts: { storeSilenceMs: 150 } });
    const { fake } = deployment;
    const { task, claim } = await deployment.claimed();
    const bytes = randomBytes(3_000_000);
    const artifact = await deployment.file("public/a.bin", bytes);
    fake.fail("put", fault, 10);
    for (let i = 0; i < 10; i++) {
      expect(await failureOf(claim.artifacts.putFile(artifact, never))).toMatchObject({ blame: "upstream" });
      expect(fake.seen("put")).toHaveLength(i + 1);
    }
    await claim.artifacts.putFile(artifact, never);
    expect(fake.store.files.get(`${task.taskId}/0/public/a.bin`)?.bytes.equals(bytes)).toBe(true);
  });

  it("asks for another attempt if the queue is ill or silent, and gets a new address when the old one expired", async () => {
    await using deployment = await Deployment.start({}, { timeouts: { requestMs: 100 } });
    const { fake } = deployment;
    const { task, claim } = await deployment.claimed();
    const artifact = await deployment.file("public/a.txt", LOG);
    fake.fail("createArtifact", { kind: "status", status: 500 });
    fake.fail("createArtifact", { kind: "hang" });
    fake.fail("createArtifact", { kind: "lose-answer" });
    for (const code of ["queue-unavailable", "queue-timeout", "queue-unreachable"]) {
      expect(await failureOf(claim.artifacts.putFile(artifact, never))).toMatchObject({ code, blame: "upstream" });
    }
    const expired = Promise.withResolvers<void>();
    fake.fail("createArtifact", { kind: "wait", until: expired.promise });
    const late = failureOf(claim.artifacts.putFile(artifact, never));
    await fake.asked("createArtifact", 4);
    fake.store.expireSignatures();
    expired.resolve();
    expect(await late).toMatchObject({ code: "artifact-store-unavailable", blame: "upstream" });
    await claim.artifacts.putFile(artifact, never);
    expect(fake.store.files.has(`${task.taskId}/0/public/a.txt`)).toBe(true);
  });

  it("tells in the store's words what will never work, and whose fault it is", async () => {
    await using deployment = await Deployment.start();
    const { fake } = deployment;
    const { claim } = await deployment.claimed();
    const artifact = await deployment.file("public/a.txt", LOG);
    const xml = (code: string, message: string) =>
      `<Error><Code>${code}</Code><Message>${message}</Message><StringToSign>secret-string</StringToSign></Error>`;
    fake.fail("put", { kind: "status", status: 400, body: xml("EntityTooLarge", "Your proposed upload is too large") });
    const tooLarge = await failureOf(claim.artifacts.putFile(artifact, never));
    expect(tooLarge).toMatchObject({ code: "artifact-store-refused", blame: "task" });
    expect(tooLarge.message).toContain("EntityTooLarge: Your proposed upload is too large");
    fake.fail("put", { kind: "status", status: 403, body: xml("SignatureDoesNotMatch", "It does not match") });
    const unsigned = await failureOf(claim.artifacts.putFile(artifact, never));
    expect(unsigned).toMatchObject({ code: "artifact-store-refused", blame: "host" });
    expect(unsigned.message).not.toContain("secret-string");
    fake.fail("put", { kind: "status", status: 404, body: xml("NoSuchBucket", "There is none") });
    expect(await failureOf(claim.artifacts.putFile(artifact, never))).toMatchObject({ blame: "host" });
  });

  it("blames the host for a file that is not as long as it was, or gone", async () => {
    await using deployment = await Deployment.start();
    const { claim } = await deployment.claimed();
    const shrunk = await deployment.file("a", LOG);
    await truncate(shrunk.file, 100);
    const fault = { code: "artifact-file-unreadable", blame: "host" };
    expect(await failureOf(claim.artifacts.putFile(shrunk, never))).toMatchObject(fault);
    const grown = { ...(await deployment.file("b", LOG)), sizeBytes: 10 };
    expect(await failureOf(claim.artifacts.putFile(grown, never))).toMatchObject(fault);
    const gone = { ...shrunk, file: `${deployment.folder}/nowhere` };
    expect(await failureOf(claim.artifacts.putFile(gone, never))).toMatchObject(fault);
  });

  it("stops when it is told to, while it asks the queue and while it sends", async () => {
    await using deployment = await Deployment.start();
    const { fake } = deployment;
    const { claim } = await deployment.claimed();
    const artifact = await deployment.file("a", randomBytes(5_000_000));
    for (const call of ["createArtifact", "put"]) {
      fake.fail(call, { kind: "hang" });
      const controller = new AbortController();
      const sending = failureOf(claim.artifacts.putFile(artifact, controller.signal));
      await fake.asked(call);
      controller.abort(new Error("enough"));
      expect((await sending).message).toBe("enough");
    }
  });

  it("tells the loss of the run where the queue refuses an artifact for it", async () => {
    await using deployment = await Deployment.start();
    const { fake } = deployment;
    const { task, claim } = await deployment.claimed();
    const artifact = await deployment.file("a", LOG);
    fake.fail("createArtifact", {
      kind: "status",
      status: 409,
      body: { code: "RequestConflict", message: "resolved" },
    });
    fake.tasks.end(task, "canceled");
    expect(await failureOf(claim.artifacts.putFile(artifact, never))).toMatchObject({ reason: "canceled" });
    expect(claim.lost.reason).toMatchObject({ reason: "canceled" });
  });

  it("stops what it sends when the run is lost, and sends nothing afterwards", async () => {
    await using deployment = await Deployment.start();
    const { fake } = deployment;
    const { task, claim } = await deployment.claimed();
    const artifact = await deployment.file("a", randomBytes(5_000_000));
    fake.fail("put", { kind: "hang" });
    const sending = failureOf(claim.artifacts.putFile(artifact, never));
    await fake.asked("put");
    fake.tasks.end(task, "canceled");
    await claim.renew();
    expect(await sending).toMatchObject({ reason: "canceled" });
    expect(await failureOf(claim.artifacts.putFile(artifact, never))).toMatchObject({ reason: "canceled" });
    expect(fake.seen("createArtifact")).toHaveLength(1);
  });

  it("blames the task for an artifact that it has made itself, and a resolved run for being over", async () => {
    await using deployment = await Deployment.start();
    const { claim } = await deployment.claimed();
    await claim.artifacts.putError({ name: "a", reason: "file-missing-on-worker", message: "not there" }, never);
    const artifact = await deployment.file("a", LOG);
    const clash = await failureOf(claim.artifacts.putFile(artifact, never));
    expect(clash).toMatchObject({ code: "queue-conflict", blame: "task" });
    expect(clash.message).toContain("already exists");
    expect(claim.lost.aborted).toBe(false);
    await claim.resolve({ kind: "completed" });
    expect(await failureOf(claim.artifacts.putFile(artifact, never))).toMatchObject({ code: "queue-conflict" });
  });
});

describe("artifacts in Taskcluster that are no files", () => {
  it("tells why an artifact is missing, in a message that fits", async () => {
    await using deployment = await Deployment.start();
    const { fake } = deployment;
    const { task, claim } = await deployment.claimed();
    const missing = { name: "public/b", reason: "too-large-file-on-worker", message: "x".repeat(5_000) } as const;
    await claim.artifacts.putError(missing, never);
    await claim.artifacts.putError(missing, never);
    const details = { reason: "too-large-file-on-worker", message: "x".repeat(4_096) };
    expect(fake.artifact(task, "public/b")).toMatchObject({ storageType: "error", details });
  });

  it("refers to a live log, which becomes a link to the kept one", async () => {
    await using deployment = await Deployment.start();
    const { fake } = deployment;
    const { task, claim } = await deployment.claimed();
    const name = "public/logs/live.log";
    const first = { name, contentType: "text/plain", url: "https://worker.example.com/log/1" };
    await claim.artifacts.putLink?.(first, never);
    await claim.artifacts.putLink?.({ ...first, url: "https://worker.example.com/log/2" }, never);
    expect(fake.artifact(task, name)).toMatchObject({
      storageType: "reference",
      details: { url: "https://worker.example.com/log/2" },
    });
    const link = { name, contentType: "text/plain", artifact: "public/logs/live_backing.log" };
    await claim.artifacts.putLink?.(link, never);
    await claim.artifacts.putLink?.(link, never);
    expect(fake.artifact(task, name)).toMatchObject({
      storageType: "link",
      details: { artifact: "public/logs/live_backing.log" },
    });
  });

  it("blames the task for what the queue does not take, in its words", async () => {
    await using deployment = await Deployment.start();
    const { claim } = await deployment.claimed();
    const body = { code: "InputValidationError", message: "Schema Validation Failed!\n\n---\n\n* payload: {}" };
    deployment.fake.fail("createArtifact", { kind: "status", status: 400, body });
    const refused = await failureOf(
      claim.artifacts.putError({ name: "a", reason: "file-missing-on-worker", message: "" }, never),
    );
    expect(refused).toMatchObject({ code: "queue-request-refused", blame: "task" });
    expect(refused.message).toBe("the queue answered 400 to createArtifact: Schema Validation Failed!");
  });
});

describe("artifacts in Taskcluster's object service", () => {
  it.each([
    ["as they are", undefined, LOG],
    ["unpacked, from gzip", "gzip", gzipSync(LOG)],
    ["unpacked, from zstd", "zstd", zstdCompressSync(LOG)],
  ] as const)("keeps files %s, with their hash", async (_, contentEncoding, bytes) => {
    await using deployment = await Deployment.start({}, { artifactStorage: "object" });
    const { fake } = deployment;
    const { task, claim } = await deployment.claimed();
    const encoding = contentEncoding === undefined ? {} : { contentEncoding };
    await claim.artifacts.putFile(await deployment.file("public/a.txt", bytes, encoding), never);
    const key = `${task.taskId}/0/public/a.txt`;
    expect(fake.store.files.get(key)?.bytes.equals(LOG)).toBe(true);
    expect(fake.store.objects.get(`t/${key}`)).toMatchObject({ finished: true, hashes: { sha256: sha256(LOG) } });
    expect(fake.artifact(task, "public/a.txt")?.present).toBe(true);
    expect(fake.seen("createArtifact")[0]?.body).not.toHaveProperty("contentLength");
  });

  it("keeps a file that is sent twice once, and replaces none", async () => {
    await using deployment = await Deployment.start({}, { artifactStorage: "object" });
    const { claim } = await deployment.claimed();
    const artifact = await deployment.file("a", LOG);
    await claim.artifacts.putFile(artifact, never);
    await claim.artifacts.putFile(artifact, never);
    expect(deployment.fake.seen("put")).toHaveLength(1);
    const other = await deployment.file("a", Buffer.from("something else"));
    const refused = { code: "queue-conflict", blame: "task" };
    expect(await failureOf(claim.artifacts.putFile(other, never))).toMatchObject(refused);
  });

  it.each(["createUpload", "put", "finishUpload", "finishArtifact"])(
    "goes on with the same upload after %s failed, or only its answer was lost",
    async (call) => {
      await using deployment = await Deployment.start({}, { artifactStorage: "object" });
      const { fake } = deployment;
      const { task, claim } = await deployment.claimed();
      const artifact = await deployment.file("public/a.txt", LOG);
      fake.fail(call, { kind: "status", status: 500 });
      fake.fail(call, { kind: "lose-answer" });
      for (let i = 0; i < 2; i++) {
        expect(await failureOf(claim.artifacts.putFile(artifact, never))).toMatchObject({ blame: "upstream" });
      }
      await claim.artifacts.putFile(artifact, never);
      expect(fake.seen("createArtifact")).toHaveLength(1);
      expect(fake.artifact(task, "public/a.txt")?.present).toBe(true);
    },
  );
});
