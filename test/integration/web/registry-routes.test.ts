/** What clients send to the registry of a worker, and what they get. */
import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { type ClientRequest, type IncomingMessage, request } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { json } from "node:stream/consumers";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { ImageSignatures } from "../../../src/image/signatures/image-signatures.ts";
import { signImage } from "../../../src/signing/image-signature.ts";
import { generateKeys, parsePrivateKey } from "../../../src/signing/keys.ts";
import { BlobUploads } from "../../../src/web/images/blob-uploads.ts";
import { ArchiveFolder } from "../image/archives.ts";
import { makeChain } from "../image/chains.ts";
import { RegistryWorker } from "./registry-worker.ts";

const folder = new ArchiveFolder();
const chain = makeChain(folder, 2);
const [root, child] = [chain[0], chain[1] as (typeof chain)[0]];
const key = parsePrivateKey(generateKeys().privatePem);
const MAX_ARCHIVE_BYTES = 5_000_000;
const BASE = "/api/v1/registry";

let worker: RegistryWorker;
let bytes: Buffer;

beforeAll(async () => {
  worker = await RegistryWorker.start({ maxArchiveBytes: MAX_ARCHIVE_BYTES });
  bytes = await readFile(root.archive);
});

/** Nothing is unfinished, and nothing has failed that is not the client's. */
afterEach(async () => {
  while ((await readdir(join(worker.directory, "staging"))).length > 0);
  expect(worker.failures).toEqual([]);
});

afterAll(async () => {
  await worker[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

function begin(path: string, headers: Record<string, string | number> = {}, role = "operator"): ClientRequest {
  const asked = request({
    ...{ host: "127.0.0.1", port: worker.port, path: `${BASE}${path}`, method: "PUT", agent: false },
    headers: { authorization: `Bearer olga:${role}`, "content-type": "application/zstd", ...headers },
  });
  asked.on("error", () => {});
  return asked;
}

async function answerOf(asked: ClientRequest): Promise<{ status: number | undefined; code: string | undefined }> {
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  const body = (await json(response)) as { code?: string };
  return { status: response.statusCode, code: body.code };
}

async function send(path: string, body: Buffer, headers: Record<string, string | number> = {}, role?: string) {
  const asked = begin(path, { "content-length": body.length, ...headers }, role);
  asked.end(body);
  return await answerOf(asked);
}

const blob = (sha256: string) => `/blobs/${sha256}.tar.zst`;

describe("an archive that is sent", () => {
  it.each([
    ["what is no archive", "operator", 422],
    ["what he may not send", "viewer", 403],
  ])("by one who goes on after he was refused %s ends, for he is hung up on", async (_what, role, status) => {
    const socket = connect(worker.port, "127.0.0.1");
    socket.on("error", () => {});
    const isOver = once(socket, "close");
    const headers = [
      ...[`PUT ${BASE}${blob(root.sha256)} HTTP/1.1`, `Host: 127.0.0.1:${worker.port}`],
      ...[`Authorization: Bearer olga:${role}`, "Content-Type: application/zstd", "Transfer-Encoding: chunked"],
    ];
    socket.write(`${headers.join("\r\n")}\r\n\r\na\r\nno archive\r\n`);
    const [answer] = (await once(socket, "data")) as [Buffer];
    expect(answer.toString()).toContain(`HTTP/1.1 ${status} `);
    const dripping = setInterval(() => socket.write("1\r\n.\r\n"), 50);
    await isOver;
    clearInterval(dripping);
  });

  it("is refused, and nothing of it is left, where it is not what its address says", async () => {
    expect(await send(blob("ab".repeat(32)), bytes)).toEqual({ status: 400, code: "image-digest-mismatch" });
    expect(await send(blob(root.sha256), Buffer.from("no archive"))).toMatchObject({ status: 422 });
    expect(await send(blob(root.sha256), bytes.subarray(0, 500))).toMatchObject({ status: 422 });
    expect(await send(blob(child.sha256), await readFile(child.archive))).toEqual({
      status: 400,
      code: "image-parent-missing",
    });
    const digest = { "content-digest": `sha-256=:${Buffer.alloc(32).toString("base64")}:` };
    expect(await send(blob(root.sha256), bytes, digest)).toEqual({ status: 400, code: "digest-mismatch" });
    expect(await worker.store.list()).toEqual([]);
  });

  it("is refused where it is too long, also where that is not said", async () => {
    const asked = begin(blob(root.sha256), { "content-length": MAX_ARCHIVE_BYTES + 1 });
    asked.flushHeaders();
    expect(await answerOf(asked)).toEqual({ status: 413, code: "too-large" });
    asked.destroy();
    // Frames that zstd skips: they are never data.
    const frame = Buffer.alloc(1_024 * 1_024);
    frame.writeUInt32LE(0x184d2a50, 0);
    frame.writeUInt32LE(frame.length - 8, 4);
    const endless = begin(blob(root.sha256));
    const answer = answerOf(endless);
    for (let sent = 0; sent <= MAX_ARCHIVE_BYTES; sent += frame.length) endless.write(frame);
    expect((await answer).status).toBeGreaterThanOrEqual(400);
    endless.destroy();
    expect(await worker.store.list()).toEqual([]);
  });

  it("drop by drop does not keep its place for ever", async () => {
    const uploads = new BlobUploads(worker.store, new ImageSignatures(worker.directory), {
      ...{ maxArchiveBytes: MAX_ARCHIVE_BYTES, maxRunning: 1, stallMs: 300 },
    });
    const sent = new PassThrough();
    let drops = 0;
    const dripping = setInterval(() => sent.write(bytes.subarray(drops, ++drops)), 20);
    const asked = Object.assign(sent, { headers: {} }) as unknown as IncomingMessage;
    const taking = uploads.take(`sha256:${root.sha256}`, asked, new AbortController().signal);
    await expect(taking).rejects.toMatchObject({ code: "upload-stalled" });
    clearInterval(dripping);
  });

  it("is not for everybody to send, and not as something else", async () => {
    expect(await send(blob(root.sha256), bytes, {}, "submitter")).toEqual({ status: 403, code: "forbidden" });
    expect(await send(blob(root.sha256), bytes, { authorization: "" })).toEqual({
      status: 401,
      code: "unauthenticated",
    });
    const asJson = { "content-type": "application/json" };
    expect(await send(blob(root.sha256), Buffer.from("{}"), asJson)).toEqual({ status: 415, code: "wrong-type" });
    const asForm = { "content-type": "text/plain" };
    expect(await send(blob(root.sha256), bytes, asForm)).toEqual({ status: 415, code: "json-only" });
  });

  it.each(["..%2f..%2ftags", "A".repeat(64), "%00", "latest"])("has no address like %s", async (name) => {
    const { status } = await send(blob(name), bytes);
    expect(status).toBe(400);
  });

  it("leaves nothing when its client hangs up", async () => {
    const asked = begin(blob(root.sha256), { "content-length": bytes.length });
    asked.write(bytes.subarray(0, 100));
    while ((await readdir(join(worker.directory, "staging"))).length === 0);
    asked.destroy();
    while ((await readdir(join(worker.directory, "staging"))).length > 0);
    expect(await worker.store.list()).toEqual([]);
    // Its place is free a moment later.
    while ((await send(blob(root.sha256), Buffer.from("no archive"))).status === 409);
  });

  it("is sent by one at a time, may take longer than a document, and is asked for by its digest", async () => {
    const slow = begin(blob(root.sha256), { "content-length": bytes.length });
    const document = begin("/tags/slow.json", { "content-type": "application/json", "content-length": 100 });
    slow.write(bytes.subarray(0, 100));
    document.write("{");
    const taken = answerOf(slow);
    const late = once(document, "response") as Promise<[IncomingMessage]>;
    while ((await readdir(join(worker.directory, "staging"))).length === 0);
    expect(await send(blob(root.sha256), bytes)).toEqual({ status: 409, code: "upload-under-way" });
    expect((await late)[0].statusCode).toBe(408);
    slow.end(bytes.subarray(100));
    expect(await taken).toMatchObject({ status: 201 });
    expect(await worker.client.get(`${BASE}${blob(root.sha256)}`)).toMatchObject({
      ...{ status: 200, bytes },
      headers: { etag: `"${root.sha256}"`, "cache-control": expect.stringContaining("immutable") },
    });
    const part = await worker.client.get(`${BASE}${blob(root.sha256)}`, { range: "bytes=100-149" });
    expect(part).toMatchObject({ status: 206, bytes: bytes.subarray(100, 150) });
    const known = { "if-none-match": `"${root.sha256}"` };
    expect(await worker.client.get(`${BASE}${blob(root.sha256)}`, known)).toMatchObject({ status: 304 });
  });

  it("that is there already is not taken again, unless somebody insists", async () => {
    expect(await send(blob(root.sha256), bytes, { "if-none-match": "*" })).toMatchObject({ status: 412 });
    expect(await send(blob(root.sha256), bytes)).toMatchObject({ status: 201 });
    expect(await worker.store.list()).toHaveLength(1);
  });
});

describe("a name in the registry of a worker", () => {
  const tag = { name: "mine", digest: root.digest, bytes: 1, parents: [], created: "2026-11-21T10:00:00Z" };
  const put = (name: string, body: object) => worker.client.ask("PUT", `${BASE}/tags/${name}.json`, { body });

  it("is given to what is there, and says what the worker knows", async () => {
    const { json: said } = await put("mine", tag);
    expect(said).toMatchObject({ name: "mine", digest: root.digest, bytes: bytes.length });
    expect((await worker.client.get(`${BASE}/tags.json`)).json).toEqual([said]);
    expect((await worker.client.get(`${BASE}/tags/mine.json`)).json).toEqual(said);
  });

  it("is given to nothing else", async () => {
    expect(await put("yours", tag)).toMatchObject({ status: 400 });
    expect(await put("mine", { ...tag, digest: child.digest })).toMatchObject({ status: 404 });
    expect(await put("..%2fmine", tag)).toMatchObject({ status: 400 });
    expect(await put("mine", { ...tag, parents: [root.digest] })).toMatchObject({ status: 400 });
    const viewer = worker.client.with({ authorization: "Bearer vera:viewer" });
    expect(await viewer.ask("PUT", `${BASE}/tags/mine.json`, { body: tag })).toMatchObject({ status: 403 });
    expect(await viewer.get(`${BASE}/tags/mine.json`)).toMatchObject({ status: 200 });
  });

  it("of an image whose archive is not kept is not there", async () => {
    await worker.store.removeArchive(root.digest);
    expect((await worker.client.get(`${BASE}/tags.json`)).json).toEqual([]);
    const gone = { status: 404, json: { code: "archive-not-kept" } };
    expect(await worker.client.get(`${BASE}/tags/mine.json`)).toMatchObject(gone);
    expect(await worker.client.get(`${BASE}${blob(root.sha256)}`)).toMatchObject(gone);
    expect(await put("mine", tag)).toMatchObject(gone);
    expect(await send(blob(root.sha256), bytes, { "if-none-match": "*" })).toMatchObject({ status: 201 });
    expect((await worker.client.get(`${BASE}/tags.json`)).json).toMatchObject([{ name: "mine" }]);
  });
});

describe("a signature in the registry of a worker", () => {
  const path = `${BASE}/signatures/${root.sha256}.json`;
  const put = (body: object, of = root.sha256) => worker.client.ask("PUT", `${BASE}/signatures/${of}.json`, { body });

  it("is kept beside the image, and others are added", async () => {
    expect(await worker.client.get(path)).toMatchObject({ status: 404, json: { code: "signature-not-found" } });
    const { envelope } = signImage({ digest: root.digest }, key);
    expect(await put(envelope)).toMatchObject({ status: 200, json: envelope });
    const other = signImage({ digest: root.digest }, parsePrivateKey(generateKeys().privatePem)).envelope;
    await put(other);
    const { json: all } = await worker.client.get(path);
    expect((all as typeof envelope).signatures).toEqual([...envelope.signatures, ...other.signatures]);
  });

  it("is refused where it is of something else, or none", async () => {
    const { envelope } = signImage({ digest: root.digest, name: "other" }, key);
    expect(await put(envelope)).toMatchObject({ status: 409, json: { code: "signature-conflict" } });
    expect(await put(envelope, child.sha256)).toMatchObject({ status: 400 });
    expect(await put(signImage({ digest: child.digest }, key).envelope, child.sha256)).toMatchObject({ status: 404 });
    expect(await put({})).toMatchObject({ status: 400 });
  });
});
