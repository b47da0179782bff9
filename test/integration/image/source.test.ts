import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { Download, skip } from "../../../src/http/download.ts";
import { type AcquireImageOptions, acquireImage } from "../../../src/image/source/acquire.ts";
import { EVERY_SOURCE } from "../../../src/image/source/policy.ts";
import type { ImageSpec } from "../../../src/image/source/spec.ts";
import { ImageStore } from "../../../src/image/store/image-store.ts";
import { BinaryZstd } from "../../../src/image/zstd/binary-zstd.ts";
import { ArchiveFolder } from "./archives.ts";

const folder = new ArchiveFolder();
afterAll(() => folder[Symbol.dispose]());
const imageDirectory = folder.makeImage();
writeFileSync(join(imageDirectory, "kernel"), randomBytes(500_000));
const archive = folder.pack(imageDirectory, ["--format=posix", "-S", "kernel", "machine.json", "disk.img"]);
const bytes = readFileSync(archive);
const sha256 = createHash("sha256").update(bytes).digest("hex");

type Handler = (request: IncomingMessage, response: ServerResponse, attempt: number) => void;

class TestServer implements AsyncDisposable {
  readonly requests: IncomingMessage[] = [];
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(handler: Handler): Promise<TestServer> {
    const server = createServer((request, response) => {
      self.requests.push(request);
      handler(request, response, self.requests.length);
    });
    const self = new TestServer(server);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return self;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/image.tar.zst?token=secret`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}

const HEADERS = { etag: '"v1"', "content-length": String(bytes.length) };

function sendAll(response: ServerResponse): void {
  response.writeHead(200, HEADERS).end(bytes);
}

/** Sends 1000 bytes, and breaks the connection when the client has them. */
function sendSome(response: ServerResponse, received: Promise<void>): void {
  response.writeHead(200, HEADERS).write(bytes.subarray(0, 1_000));
  void received.then(() => response.destroy());
}

function sendRange(request: IncomingMessage, response: ServerResponse, headers: object = {}): void {
  const start = Number(/bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1]);
  response.writeHead(206, {
    etag: '"v1"',
    "content-range": `bytes ${start}-${bytes.length - 1}/${bytes.length}`,
    ...headers,
  });
  response.end(bytes.subarray(start));
}

let count = 0;
let store: ImageStore;
/** The client has the first bytes. */
let received: PromiseWithResolvers<void>;
beforeEach(async () => {
  received = Promise.withResolvers();
  const directory = join(folder.path, `store-${count++}`);
  store = await ImageStore.open({ directory, limits: { reserveBytes: 0 }, zstd: new BinaryZstd() });
});

async function acquire(spec: ImageSpec, options: Partial<AcquireImageOptions> = {}): Promise<string> {
  await using lease = await acquireImage(store, spec, {
    policy: EVERY_SOURCE,
    download: { backOffMs: 1, maxAttempts: 3, stallMs: 200 },
    onProgress: () => received.resolve(),
    ...options,
  });
  return lease.image.digest;
}

describe("skipping what was received before", () => {
  it("shows a sign of life for each chunk, so that a long way to go is not taken for silence", async () => {
    async function* body() {
      for (const text of ["abc", "def", "ghi", "jkl"]) yield Buffer.from(text);
    }
    const chunks = await Array.fromAsync(skip(body(), 7), (chunk) => Buffer.from(chunk).toString());
    expect(chunks).toEqual(["", "", "hi", "jkl"]);
  });
});

describe("an image named", () => {
  it("by name, path, URL, and URL with digest is the same image", async () => {
    await using server = await TestServer.start((_, response) => sendAll(response));
    await store.import(archive, { tag: "debian" });
    for (const spec of ["debian", archive, server.url, { url: server.url, sha256 }]) {
      expect(await acquire(spec)).toBe(`sha256:${sha256}`);
    }
  });

  it("by a path or a URL is refused where the worker does not allow that", async () => {
    const policy = { allowPaths: false, allowUrls: false, allowArtifacts: false };
    await expect(acquire(archive, { policy })).rejects.toMatchObject({ code: "image-path-not-allowed", blame: "task" });
    for (const spec of ["http://127.0.0.1/x", { url: "http://127.0.0.1/x", sha256 }]) {
      await expect(acquire(spec, { policy })).rejects.toMatchObject({ code: "image-url-not-allowed", blame: "task" });
    }
  });

  it("by a URL of another scheme is refused", async () => {
    await expect(acquire("file:///etc/passwd")).rejects.toMatchObject({ code: "url-invalid" });
  });
});

describe("a download", () => {
  it("is not repeated while the server says that nothing changed", async () => {
    let sent = 0;
    await using server = await TestServer.start((_, response) => {
      response.on("close", () => {
        if (response.writableFinished) sent++;
      });
      sendAll(response);
    });
    await acquire(server.url);
    await acquire(server.url);
    expect(server.requests).toHaveLength(2);
    expect((await store.list()).length).toBe(1);
    expect(sent).toBeGreaterThanOrEqual(1);
    await acquire({ url: server.url, sha256 });
    expect(server.requests, "with a digest nothing is asked").toHaveLength(2);
  });

  it("reports its progress", async () => {
    await using server = await TestServer.start((_, response) => sendAll(response));
    const progress: unknown[] = [];
    await acquire(server.url, { onProgress: (now) => progress.push(now) });
    expect(progress.at(-1)).toEqual({ doneBytes: bytes.length, totalBytes: bytes.length });
  });

  it("resumes where the connection broke", async () => {
    await using server = await TestServer.start((request, response, attempt) => {
      if (attempt === 1) sendSome(response, received.promise);
      else sendRange(request, response);
    });
    expect(await acquire(server.url)).toBe(`sha256:${sha256}`);
    expect(server.requests[1]?.headers).toMatchObject({ range: "bytes=1000-", "if-range": '"v1"' });
  });

  it("starts again with a server that knows no ranges", async () => {
    await using server = await TestServer.start((_, response, attempt) => {
      if (attempt === 1) sendSome(response, received.promise);
      else sendAll(response);
    });
    expect(await acquire(server.url)).toBe(`sha256:${sha256}`);
  });

  it("gives up on a server that starts again and again and never gets further", async () => {
    await using server = await TestServer.start((_, response, attempt) => {
      if (attempt === 1) sendSome(response, received.promise);
      else response.writeHead(200, HEADERS).write(bytes.subarray(0, 900), () => response.destroy());
    });
    await expect(acquire(server.url)).rejects.toMatchObject({ code: "download-failed" });
    expect(server.requests).toHaveLength(3);
  });

  it("leaves no timer behind when it is cancelled in a pause", async () => {
    const refused = Promise.withResolvers<void>();
    await using server = await TestServer.start((_, response) => {
      response.on("close", () => refused.resolve());
      response.writeHead(503).write("the client closes the connection, and begins its pause");
    });
    const timers = () => process.getActiveResourcesInfo().filter((type) => type === "Timeout").length;
    const canceled = new AbortController();
    const started = Download.start(server.url, { backOffMs: 60_000, signal: canceled.signal });
    await refused.promise;
    const inPause = timers();
    canceled.abort(new Error("canceled"));
    await expect(started).rejects.toThrow("canceled");
    expect(timers()).toBe(inPause - 1);
  });

  it("resumes after silence", async () => {
    await using server = await TestServer.start((request, response, attempt) => {
      if (attempt > 1) sendRange(request, response);
      else response.writeHead(200, HEADERS).write(bytes.subarray(0, 1_000));
    });
    expect(await acquire(server.url)).toBe(`sha256:${sha256}`);
  });

  it("fails when the archive was changed meanwhile, or another part comes", async () => {
    for (const headers of [{ etag: '"v2"' }, { "content-range": "bytes 5-9/10" }]) {
      await using server = await TestServer.start((request, response, attempt) => {
        if (attempt === 1) sendSome(response, received.promise);
        else sendRange(request, response, headers);
      });
      await expect(acquire(server.url)).rejects.toMatchObject({ code: "download-failed", blame: "upstream" });
    }
  });

  it("tries again after 503 and 429", async () => {
    await using server = await TestServer.start((_, response, attempt) => {
      if (attempt === 3) sendAll(response);
      else response.writeHead(attempt === 1 ? 503 : 429).end();
    });
    expect(await acquire(server.url)).toBe(`sha256:${sha256}`);
  });

  it("gives up after some attempts, without telling the query of the URL", async () => {
    await using server = await TestServer.start((_, response) => response.writeHead(500).end());
    const error = await acquire(server.url).catch((error: unknown) => error);
    expect(error).toMatchObject({ code: "download-failed", blame: "upstream" });
    expect((error as Error).message).toContain("/image.tar.zst");
    expect((error as Error).message).toContain("500");
    expect((error as Error).message).not.toContain("secret");
    expect(server.requests).toHaveLength(3);
  });

  it("gives up on a server that is not there", async () => {
    const server = await TestServer.start(() => {});
    const { url } = server;
    await server[Symbol.asyncDispose]();
    await expect(acquire(url)).rejects.toMatchObject({
      code: "download-failed",
      message: expect.stringContaining("ECONNREFUSED"),
    });
  });

  it.each([400, 401, 403, 404, 410])("does not try again after %i, which is the task's fault", async (status) => {
    await using server = await TestServer.start((_, response) => response.writeHead(status).end());
    await expect(acquire(server.url)).rejects.toMatchObject({ code: "download-refused", blame: "task" });
    expect(server.requests).toHaveLength(1);
  });

  it("is refused when its digest is another one", async () => {
    await using server = await TestServer.start((_, response) => sendAll(response));
    const spec = { url: server.url, sha256: "0".repeat(64) };
    await expect(acquire(spec)).rejects.toMatchObject({ code: "image-digest-mismatch", blame: "task" });
    expect(await store.list()).toEqual([]);
  });

  it("goes on for others when one gives up, and ends with the last", async () => {
    const asked = Promise.withResolvers<ServerResponse>();
    const closed = Promise.withResolvers<void>();
    await using server = await TestServer.start((_, response) => {
      response.writeHead(200, HEADERS).write(bytes.subarray(0, 1_000));
      response.on("close", () => closed.resolve());
      asked.resolve(response);
    });
    const patience = { download: { stallMs: 30_000 } };
    const started = Promise.withResolvers<void>();
    const [one, two] = [new AbortController(), new AbortController()];
    const onProgress = () => started.resolve();
    const first = acquire(server.url, { signal: one.signal, onProgress, ...patience });
    await started.promise;
    const second = acquire(server.url, { signal: two.signal, ...patience });
    one.abort(new Error("first is gone"));
    await expect(first).rejects.toThrow("first is gone");
    two.abort(new Error("second is gone"));
    await expect(second).rejects.toThrow("second is gone");
    await closed.promise;
    expect(await store.list()).toEqual([]);
  });
});
