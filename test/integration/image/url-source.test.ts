/** Images by URL: what a worker allows, digests, and what is done once for all who want the same. */
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { tryParseUrlPrefix, type UrlPrefix } from "../../../src/base/url-prefix.ts";
import { type AcquireImageOptions, acquireImage } from "../../../src/image/source/acquire.ts";
import { EVERY_SOURCE, type ImageSourcePolicy } from "../../../src/image/source/policy.ts";
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
const digestOf = (algorithm: string) => createHash(algorithm).update(bytes).digest("hex");
const [sha256, sha512, sha1, md5] = ["sha256", "sha512", "sha1", "md5"].map(digestOf) as [
  string,
  string,
  string,
  string,
];

class TestServer implements AsyncDisposable {
  readonly #server: Server;
  requests = 0;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(handler: RequestListener = (_, response) => void response.end(bytes)): Promise<TestServer> {
    const server = createServer((request, response) => {
      self.requests++;
      handler(request, response);
    });
    const self = new TestServer(server);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return self;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get url(): string {
    return `${this.origin}/ci/image.tar.zst`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}

let count = 0;
let store: ImageStore;
beforeEach(async () => {
  const directory = join(folder.path, `store-${count++}`);
  store = await ImageStore.open({ directory, limits: { reserveBytes: 0 }, zstd: new BinaryZstd() });
});

async function acquire(spec: ImageSpec, options: Partial<AcquireImageOptions> = {}): Promise<string> {
  const download = { backOffMs: 1, maxAttempts: 3, stallMs: 30_000 };
  await using lease = await acquireImage(store, spec, { policy: EVERY_SOURCE, download, ...options });
  return lease.image.digest;
}

function below(...texts: string[]): { policy: ImageSourcePolicy } {
  const prefixes = texts.map(tryParseUrlPrefix).filter((prefix): prefix is UrlPrefix => prefix !== undefined);
  return { policy: { allowPaths: false, allowUrls: prefixes, allowArtifacts: false } };
}

describe("a worker that allows every URL", () => {
  const everyUrl = { policy: { allowPaths: false, allowUrls: true, allowArtifacts: false } };

  it.each(["127.0.0.1", "localhost", "[::1]", "169.254.169.254"])("fetches nothing from %s", async (host) => {
    await using server = await TestServer.start();
    const url = new URL(server.url);
    url.hostname = host;
    for (const spec of [url.href, { url: url.href, sha256 }]) {
      await expect(acquire(spec, everyUrl)).rejects.toMatchObject({ code: "address-refused", blame: "task" });
    }
    expect(server.requests).toBe(0);
  });
});

describe("a worker that allows some URLs", () => {
  it("fetches from an internal host that is among them, and nothing beside its folder", async () => {
    await using server = await TestServer.start();
    expect(await acquire(server.url, below(`${server.origin}/ci/`))).toBe(`sha256:${sha256}`);
    for (const url of [`${server.origin}/cia/a`, `${server.origin}/ci/%2e%2e%2fa`, `${server.origin}/`]) {
      const refused = acquire(url, below(`${server.origin}/ci/`));
      await expect(refused).rejects.toMatchObject({ code: "image-url-not-allowed", blame: "task" });
    }
    expect(server.requests).toBe(1);
  });

  it("holds redirects to the same", async () => {
    await using inside = await TestServer.start();
    await using door = await TestServer.start(
      (_, response) => void response.writeHead(302, { location: inside.url }).end(),
    );
    await expect(acquire(door.url, below(door.origin))).rejects.toMatchObject({ code: "image-url-not-allowed" });
    // What begins with no host is for the internet.
    await expect(acquire(door.url, below(door.origin, "http://"))).rejects.toMatchObject({ code: "address-refused" });
    expect(inside.requests).toBe(0);
    expect(await acquire(door.url, below(door.origin, inside.origin))).toBe(`sha256:${sha256}`);
  });
});

describe("digests", () => {
  it.each<[string, object]>([
    ["md5", { md5 }],
    ["sha1", { sha1 }],
    ["sha512", { sha512 }],
    ["all of them", { sha256, sha512, sha1, md5 }],
  ])("by %s are remembered: nothing is asked again", async (_, digests) => {
    await using server = await TestServer.start();
    const spec = { url: server.url, ...digests };
    expect(await acquire(spec)).toBe(`sha256:${sha256}`);
    expect(await acquire(spec)).toBe(`sha256:${sha256}`);
    expect(server.requests).toBe(1);
    await store.remove(sha256);
    expect(await acquire(spec)).toBe(`sha256:${sha256}`);
    expect(server.requests, "what was removed is fetched anew").toBe(2);
  });

  it("must all be right, also where one of them is in the store", async () => {
    await using server = await TestServer.start();
    await acquire({ url: server.url, sha256 });
    for (const wrong of [{ md5: "0".repeat(32) }, { sha1: "0".repeat(40) }, { sha512: "0".repeat(128) }]) {
      const error = acquire({ url: server.url, sha256, ...wrong });
      const [[algorithm]] = Object.entries(wrong) as [[string, string]];
      await expect(error).rejects.toMatchObject({
        ...{ code: "image-digest-mismatch", blame: "task" },
        message: expect.stringContaining(`${algorithm}:${digestOf(algorithm)}`),
      });
    }
    const withWrongSha = { url: server.url, sha256: "0".repeat(64), md5 };
    await expect(acquire(withWrongSha)).rejects.toMatchObject({ code: "image-digest-mismatch" });
    expect((await store.list()).length).toBe(1);
  });
});

describe("20 tasks that want the same archive at once", () => {
  it.each<[string, object]>([
    ["sha256", { sha256 }],
    ["md5", { md5 }],
  ])("ask for it once: %s", async (_, digests) => {
    // It says nothing by which one answer could be told from another.
    await using server = await TestServer.start();
    const leased = Array.from({ length: 20 }, () => acquire({ url: server.url, ...digests }));
    expect(new Set(await Promise.all(leased))).toEqual(new Set([`sha256:${sha256}`]));
    expect(server.requests).toBe(1);
  });

  it("lose nothing when the one that has asked first is cancelled", async () => {
    let sent = 0;
    const asked = Promise.withResolvers<ServerResponse>();
    await using server = await TestServer.start((_, response) => {
      response.writeHead(200, { "content-length": bytes.length });
      asked.resolve(response);
    });
    const spec = { url: server.url, sha256 };
    const first = new AbortController();
    let received = Promise.withResolvers<void>();
    const canceled = acquire(spec, { signal: first.signal, onProgress: () => received.resolve() });
    const response = await asked.promise;
    const joined = new Set<number>();
    const others = Array.from({ length: 19 }, (_, index) => acquire(spec, { onProgress: () => joined.add(index) }));
    while (joined.size < others.length) {
      response.write(bytes.subarray(sent, sent + 1_000));
      sent += 1_000;
      await received.promise;
      received = Promise.withResolvers();
    }
    first.abort(new Error("canceled"));
    await expect(canceled).rejects.toThrow("canceled");
    response.end(bytes.subarray(sent));
    expect(new Set(await Promise.all(others))).toEqual(new Set([`sha256:${sha256}`]));
    expect(server.requests).toBe(1);
  });

  it("are told of the same failure, which is forgotten", async () => {
    let isBroken = true;
    await using server = await TestServer.start((_, response) => {
      if (isBroken) response.writeHead(404).end();
      else response.end(bytes);
    });
    const spec = { url: server.url, sha256 };
    const results = await Promise.allSettled(Array.from({ length: 20 }, () => acquire(spec)));
    for (const result of results) expect(result).toMatchObject({ reason: { code: "download-refused", blame: "task" } });
    expect(server.requests).toBe(1);
    isBroken = false;
    expect(await acquire(spec)).toBe(`sha256:${sha256}`);
  });
});

describe("an artifact at an address that the queue has chosen", () => {
  const allowed = { policy: { allowPaths: false, allowUrls: false, allowArtifacts: true } };
  const image = { taskId: "A".repeat(22), artifact: "public/image.tar.zst" };
  const facts = { id: "one", isFinal: true, digests: {}, chosenBy: "queue" as const };

  it("is asked for with new headers each time, which nobody else gets", async () => {
    const seen: string[] = [];
    await using server = await TestServer.start(({ url, headers }, response) => {
      seen.push(`${url} ${headers["x-ticket"]}`);
      if (seen.length === 1) response.writeHead(503).end();
      else if (url === "/door") response.writeHead(307, { location: "/ci/image.tar.zst" }).end();
      else response.end(bytes);
    });
    let tickets = 0;
    const headers = async () => ({ "x-ticket": String(++tickets) });
    const origin = { locate: async () => ({ ...facts, url: `${server.origin}/door`, headers }) };
    expect(await acquire(image, { ...allowed, origin })).toBe(`sha256:${sha256}`);
    expect(seen).toEqual(["/door 1", "/door 2", "/ci/image.tar.zst undefined"]);
  });

  it("leads to no other internal host", async () => {
    await using inside = await TestServer.start();
    await using door = await TestServer.start(
      (_, response) => void response.writeHead(307, { location: inside.url }).end(),
    );
    const origin = { locate: async () => ({ ...facts, url: door.url }) };
    await expect(acquire(image, { ...allowed, origin })).rejects.toMatchObject({ code: "address-refused" });
    expect(inside.requests).toBe(0);
  });
});

describe("who has a say in every image", () => {
  it("is asked for each source, also when the image is in the store, and none is given without", async () => {
    await using server = await TestServer.start();
    await store.import(archive, { tag: "debian" });
    const asked: string[] = [];
    const accept = async ({ digest }: { digest: string }) => {
      asked.push(digest);
      throw new Error("it is not signed");
    };
    const specs = [
      "debian",
      `sha256:${sha256}`,
      archive,
      server.url,
      { url: server.url, sha256 },
      { url: server.url, md5 },
    ];
    for (const spec of specs) await expect(acquire(spec, { accept })).rejects.toThrow("it is not signed");
    expect(asked).toEqual(specs.map(() => `sha256:${sha256}`));
    await store.remove(sha256);
    expect(await store.list(), "no lease is left that would keep it").toEqual([]);
  });
});
