import { createHash, type KeyObject, verify } from "node:crypto";
import { once } from "node:events";
import { createReadStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DirectoryStore } from "../../../src/artifact/directory-store.ts";
import { Cancellation, WorkerError } from "../../../src/base/errors.ts";
import { type PublishOptions, publicationError, publishArtifacts } from "../../../src/feature/artifacts/publish.ts";
import { publishRun } from "../../../src/feature/artifacts/publish-run.ts";
import type { ArtifactRecord, StoredArtifact } from "../../../src/feature/artifacts/record.ts";
import { type ArtifactTraits, storeArtifact } from "../../../src/feature/artifacts/store-artifact.ts";
import type { ArtifactDestination, ErrorArtifact, FileArtifact } from "../../../src/queue/driver.ts";
import { QueueError } from "../../../src/queue/errors.ts";
import { put } from "../../../src/queue/taskcluster/put.ts";
import { generateKeys, parsePrivateKey, parsePublicKey } from "../../../src/signing/keys.ts";

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const status =
  (code: number): Answer =>
  (request, response) => {
    request.resume().on("end", () => response.writeHead(code).end());
  };
/** Takes it all and says nothing. */
const silence: Answer = (request) => request.resume();
const breakOff: Answer = (request) => request.once("data", () => request.destroy());

/** Keeps what is put, unless it is told to answer otherwise. */
class Store implements ArtifactDestination, AsyncDisposable {
  readonly files = new Map<string, { content: Buffer; artifact: FileArtifact }>();
  readonly errors: ErrorArtifact[] = [];
  /** The next answers, for all names. */
  readonly answers: Answer[] = [];
  /** What putError throws first. */
  readonly refusals: unknown[] = [];
  requests = 0;
  most = 0;
  onRequest: () => void = () => {};
  #open = 0;
  #refused: string | undefined;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    server.on("request", (request: IncomingMessage, response: ServerResponse) => {
      this.requests++;
      this.most = Math.max(this.most, ++this.#open);
      response.on("close", () => this.#open--);
      this.onRequest();
      if (decodeURIComponent(request.url ?? "") === `/${this.#refused}`) status(413)(request, response);
      else (this.answers.shift() ?? ((...both) => void this.#keep(...both)))(request, response);
    });
  }

  static async start(): Promise<Store> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    return new Store(server);
  }

  refuse(name: string): void {
    this.#refused = name;
  }

  /** Answers the first `count` requests when that many are there. */
  holdBack(count: number): void {
    const waiting: (() => void)[] = [];
    const wait: Answer = (request, response) => {
      waiting.push(() => void this.#keep(request, response));
      if (waiting.length === count) for (const answer of waiting) answer();
    };
    this.answers.push(...Array.from({ length: count }, () => wait));
  }

  readonly #artifacts = new Map<string, FileArtifact>();

  async putFile(artifact: FileArtifact, signal: AbortSignal): Promise<void> {
    this.#artifacts.set(artifact.name, artifact);
    const { name, file, sizeBytes } = artifact;
    const url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/${encodeURIComponent(name)}`;
    const upload = { artifact: name, url, headers: {}, sizeBytes, open: () => createReadStream(file) };
    await put(upload, { signal, silenceMs: 200 });
  }

  async putError(artifact: ErrorArtifact): Promise<void> {
    const refusal = this.refusals.shift();
    if (refusal !== undefined) throw refusal;
    this.errors.push(artifact);
  }

  async #keep(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const name = decodeURIComponent((request.url ?? "/").slice(1));
    const content = await buffer(request).catch(() => undefined);
    if (content === undefined) return;
    this.files.set(name, { content, artifact: this.#artifacts.get(name) as FileArtifact });
    response.end();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

const RESOLVED = new Date("2026-11-21T08:00:00Z");
const EXPIRES = new Date("2026-12-21T08:00:00Z");

let directory: string;
let store: Store;
let notes: string[];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "boxcar-publish-"));
  store = await Store.start();
  notes = [];
});

afterEach(async () => {
  await store[Symbol.asyncDispose]();
  await rm(directory, { recursive: true });
});

function stage(traits: ArtifactTraits, content = "content"): Promise<StoredArtifact> {
  const stream = Readable.from([Buffer.from(content)], { objectMode: false });
  return storeArtifact(new DirectoryStore(directory), traits, stream, new AbortController().signal);
}

function stageMany(count: number): Promise<StoredArtifact[]> {
  return Promise.all(Array.from({ length: count }, (_, index) => stage({ name: `many/${index}` })));
}

function publish(records: readonly ArtifactRecord[], options: Partial<PublishOptions> = {}) {
  return publishArtifacts(records, {
    ...{ directory, destination: store, resolved: RESOLVED, expires: EXPIRES },
    settings: { parallel: 8, timeoutMs: 60_000 },
    signal: new AbortController().signal,
    note: (text) => notes.push(text),
    backOff: { minMs: 1, maxMs: 20 },
    ...options,
  });
}

const missing = { name: "gone", error: "file-missing-on-worker", message: "it is not there" } as const;

describe("handing artifacts to the queue", () => {
  it("brings every byte, and what is known of them", async () => {
    const packed = await stage({ name: "a/report.html", compression: "gzip", expiresAfterMs: 86_400_000 }, "<html>");
    const plain = await stage({ name: "b", expiresAfterMs: 1e12 }, "");
    const publication = await publish([packed, plain, missing]);
    expect(publication).toEqual({ records: [packed, plain, missing], refused: [], failures: [] });
    expect(publicationError(publication)).toBeUndefined();
    const { content, artifact } = store.files.get("a/report.html") ?? {};
    expect(
      createHash("sha256")
        .update(content as Buffer)
        .digest("hex"),
    ).toBe(packed.sha256);
    expect(artifact).toMatchObject({
      ...{ sizeBytes: packed.sizeBytes, sha256: packed.sha256, contentType: "text/html", contentEncoding: "gzip" },
      expires: new Date("2026-11-22T08:00:00Z"),
    });
    // Never later than the task.
    expect(store.files.get("b")?.artifact.expires).toEqual(EXPIRES);
    expect(store.errors).toEqual([
      { ...{ name: "gone", message: missing.message, expires: EXPIRES }, reason: missing.error },
    ]);
    expect(notes).toEqual([]);
  });

  it("takes the file that a record names", async () => {
    const record = await stage({ name: "staged" }, "the log");
    await publish([{ ...record, name: "public/logs/task.log", file: join(directory, "staged") }]);
    expect(store.files.get("public/logs/task.log")?.content.toString()).toBe("the log");
  });

  it("goes on after ten errors of the store", async () => {
    store.answers.push(...Array.from({ length: 10 }, () => status(500)));
    const publication = await publish([await stage({ name: "a" })]);
    expect(publication.failures).toEqual([]);
    expect([store.requests, store.files.size]).toEqual([11, 1]);
    expect(notes).toEqual([expect.stringContaining("a could not be handed over, and is tried again")]);
  });

  it.each([
    ["hangs", silence],
    ["breaks off", breakOff],
  ])("tries again where the store %s", async (_, answer) => {
    store.answers.push(answer, answer);
    const publication = await publish([await stage({ name: "a" }, "x".repeat(10_000_000))]);
    expect(publication.failures).toEqual([]);
    expect(store.files.get("a")?.content.length).toBe(10_000_000);
  });

  it("has several under way, and no more than are allowed", async () => {
    const records = await stageMany(40);
    const progress: number[] = [];
    store.holdBack(3);
    const onProgress = ({ done, total }: { done: number; total: number }) => progress.push(done / total);
    await publish(records, { settings: { parallel: 3, timeoutMs: 60_000 }, onProgress });
    expect([store.files.size, store.most, notes]).toEqual([40, 3, []]);
    expect(progress).toEqual(Array.from({ length: 40 }, (_, index) => (index + 1) / 40));
  });

  it("makes an error of what the store will never take, and says whose fault it is", async () => {
    store.answers.push(status(413));
    const publication = await publish([await stage({ name: "a", expiresAfterMs: 1_000 })]);
    const refused = {
      name: "a",
      error: "invalid-resource-on-worker",
      message: expect.any(String),
      expiresAfterMs: 1_000,
    };
    expect(publication).toEqual({ records: [refused], refused: [refused], failures: [] });
    expect(store.errors).toMatchObject([{ name: "a", reason: "invalid-resource-on-worker" }]);
    expect(store.requests).toBe(1);
  });

  it("tells of errors again too, and gives up where the queue refuses them", async () => {
    const down = new QueueError("queue-unreachable", "it does not answer", { blame: "upstream" });
    store.refusals.push(down, down);
    expect((await publish([missing])).failures).toEqual([]);
    expect(store.errors).toHaveLength(1);
    store.refusals.push(new QueueError("name-refused", "no such name", { blame: "task" }));
    expect(await publish([missing])).toEqual({ records: [missing], refused: [missing], failures: [] });
  });

  it("brings the others where one fails for good", async () => {
    const records = await stageMany(20);
    const lost = { name: "lost", sizeBytes: 1, sha256: "0".repeat(64) };
    const publication = await publish([lost, ...records]);
    expect(store.files.size).toBe(20);
    expect(publication.records).toHaveLength(20);
    expect(publication.failures).toEqual([{ name: "lost", error: expect.any(WorkerError) }]);
    const error = publicationError(publication);
    expect(error).toMatchObject({ blame: "host", details: { artifacts: ["lost"] } });
    expect(error?.message).toContain("the artifact lost could not be kept");
  });

  it("is the fault of the store where its errors do not end in time", async () => {
    const [first, second] = [await stage({ name: "a" }), await stage({ name: "b" })];
    store.answers.push(...Array.from({ length: 5_000 }, () => status(503)));
    const publication = await publish([first, second], { settings: { parallel: 1, timeoutMs: 300 } });
    expect(publication.records).toEqual([]);
    expect(publicationError(publication)).toMatchObject({ blame: "upstream", code: "artifacts-not-published" });
    expect(publicationError(publication)?.message).toMatch(/a, and 1 more, could not be kept: .*503.* for 300 ms/);
  });

  it("ends at once with whoever ends the run", async () => {
    const controller = new AbortController();
    const reason = new Cancellation("canceled", "the task was cancelled");
    store.answers.push(...Array.from({ length: 5_000 }, () => silence));
    store.onRequest = () => controller.abort(reason);
    await expect(publish(await stageMany(20), { signal: controller.signal })).rejects.toBe(reason);
    await expect(publish([], { signal: controller.signal })).rejects.toBe(reason);
  });

  it("ends at once while it waits for another try", async () => {
    const controller = new AbortController();
    store.answers.push(status(500));
    const note = () => controller.abort(new Error("stopped"));
    const backOff = { minMs: 1_000_000, maxMs: 1_000_000 };
    const publication = publish([await stage({ name: "a" })], { signal: controller.signal, note, backOff });
    await expect(publication).rejects.toThrow("stopped");
  });
});

describe("handing over everything a run has left", () => {
  const { privatePem, publicPem } = generateKeys();
  const facts = {
    ...{ taskId: "a-task", runId: 0, worker: "here/1", payload: {} },
    ...{ started: new Date("2026-11-21T07:00:00Z"), resolved: RESOLVED },
  };

  function publishAll(records: readonly ArtifactRecord[], key: KeyObject | undefined) {
    return publishRun(records, {
      ...{ directory, destination: store, expires: EXPIRES, facts, key, sink: new DirectoryStore(directory) },
      settings: { parallel: 8, timeoutMs: 60_000 },
      signal: new AbortController().signal,
      backOff: { minMs: 1, maxMs: 20 },
    });
  }

  it("ends with the signed list of what the queue has", async () => {
    const kept = await stage({ name: "kept" });
    store.refuse("refused");
    const publication = await publishAll([kept, await stage({ name: "refused" })], parsePrivateKey(privatePem));
    expect([...store.files.keys()].sort()).toEqual([
      "kept",
      "public/chain-of-trust.json",
      "public/chain-of-trust.json.sig",
    ]);
    expect(publication.records.map(({ name }) => name)).toEqual([
      ...["kept", "refused", "public/chain-of-trust.json", "public/chain-of-trust.json.sig"],
    ]);
    const manifest = store.files.get("public/chain-of-trust.json")?.content as Buffer;
    expect(JSON.parse(manifest.toString()).artifacts).toEqual([
      { name: "kept", sizeBytes: kept.sizeBytes, sha256: kept.sha256, contentType: "application/octet-stream" },
      { name: "refused", error: "invalid-resource-on-worker" },
    ]);
    const signature = store.files.get("public/chain-of-trust.json.sig")?.content as Buffer;
    expect(verify(null, manifest, parsePublicKey(publicPem, "it"), signature)).toBe(true);
  });

  it("signs nothing where something is missing, or there is no key", async () => {
    const records = [await stage({ name: "kept" }), { name: "lost", sizeBytes: 1, sha256: "0".repeat(64) }];
    expect((await publishAll(records, parsePrivateKey(privatePem))).failures).toHaveLength(1);
    expect((await publishAll(records.slice(0, 1), undefined)).failures).toEqual([]);
    expect([...store.files.keys()]).toEqual(["kept"]);
  });
});
