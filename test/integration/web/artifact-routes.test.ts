import { rm } from "node:fs/promises";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PostgresServer } from "../../postgres-server.ts";
import { TaskService } from "./task-service.ts";

const TEXT = "0123456789".repeat(1_000);

let server: PostgresServer;
let service: TaskService;

beforeAll(async () => {
  server = await PostgresServer.start();
  service = await TaskService.start(server);
});

afterAll(async () => {
  await service[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

const get = (path: string, headers = {}) => service.client.get(path, headers);

describe("the list of artifacts", () => {
  it("is that of the run, or of the last run, without places on the host", async () => {
    const { taskId, run } = await service.finished({ "public/a.txt": { content: "a" } });
    const expected = [{ name: "public/a.txt", contentType: "text/plain", sizeBytes: 1, workerId: "worker-1" }];
    for (const path of [`${run}/artifacts`, `/api/v1/tasks/${taskId}/artifacts`]) {
      const { status, json } = await get(path);
      expect({ status, json }).toMatchObject({ status: 200, json: expected });
      expect(JSON.stringify(json)).not.toContain(service.folder);
    }
  });

  it.each([
    ["1", 404, "run-not-found"],
    ["x", 400, "bad-request"],
    ["99999999999999999999", 400, "bad-request"],
  ])("of run %s is not there", async (run, status, code) => {
    const { taskId } = await service.finished({});
    const answer = await get(`/api/v1/tasks/${taskId}/runs/${run}/artifacts`);
    expect(answer).toMatchObject({ status, json: { code } });
  });
});

describe("the content of an artifact", () => {
  it("comes with what it is, and may be kept for ever once the run is over", async () => {
    const claim = await service.claim();
    const sha256 = await service.put(claim, "public/a.txt", { content: TEXT });
    const { taskId } = claim.task;
    const path = `/api/v1/tasks/${taskId}/runs/0/artifacts/public/a.txt`;
    const etag = `"${sha256}"`;
    const early = await get(path);
    expect(early).toMatchObject({
      status: 200,
      headers: {
        ...{ "content-type": "text/plain", "content-length": "10000", etag, "accept-ranges": "bytes" },
        ...{ "cache-control": "private, no-cache", "x-content-type-options": "nosniff" },
      },
    });
    expect(early.bytes.toString()).toBe(TEXT);
    await claim.resolve({ kind: "completed" });
    expect((await get(path)).headers["cache-control"]).toBe("private, max-age=31536000, immutable");
    // These addresses may mean another run, or another task, one day.
    for (const other of [path.replace("/runs/0/", "/runs/latest/"), path.replace(taskId, taskId.slice(0, 20))]) {
      expect((await get(other)).headers).toMatchObject({ "cache-control": "private, no-cache", etag });
    }
    expect(await get(path, { "if-none-match": etag })).toMatchObject({ status: 304, headers: { etag } });
    expect(await get(path, { "if-none-match": '"another"' })).toMatchObject({ status: 200 });
    expect(await get(path, { "if-match": '"another"' })).toMatchObject({
      status: 412,
      json: { code: "precondition-failed" },
    });
    const head = await service.client.ask("HEAD", path);
    expect(head).toMatchObject({ status: 200, headers: { "content-length": "10000", etag } });
  });

  it.each([
    ["bytes=0-4", "01234", "bytes 0-4/10000"],
    ["bytes=9995-", "56789", "bytes 9995-9999/10000"],
    ["bytes=-3", "789", "bytes 9997-9999/10000"],
    ["bytes=9999-20000", "9", "bytes 9999-9999/10000"],
    ["bytes=0-1,2-4", "01234", "bytes 0-4/10000"],
  ])("is sent in part: %s", async (range, content, contentRange) => {
    const { run } = await service.finished({ "a.txt": { content: TEXT } });
    const answer = await get(`${run}/artifacts/a.txt`, { range });
    expect(answer).toMatchObject({ status: 206, headers: { "content-range": contentRange } });
    expect(answer.bytes.toString()).toBe(content);
  });

  it("is sent as a whole where parts cannot be told, or are of something else", async () => {
    const { run } = await service.finished({ "a.txt": { content: TEXT } });
    const path = `${run}/artifacts/a.txt`;
    const { etag } = (await get(path)).headers;
    for (const headers of [
      { range: "bytes=0-1,5-6" },
      { range: "lines=0-1" },
      { range: "bytes=x" },
      { range: "bytes=0-1", "if-range": '"another"' },
      { range: "bytes=0-1", "if-range": `W/${etag}` },
    ]) {
      const { status, bytes } = await get(path, headers);
      expect({ headers, status, length: bytes.length }).toEqual({ headers, status: 200, length: 10_000 });
    }
    expect(await get(path, { range: "bytes=0-1", "if-range": etag })).toMatchObject({ status: 206 });
  });

  it.each(["bytes=10000-", "bytes=20000-30000"])("is not there beyond its end: %s", async (range) => {
    const { run } = await service.finished({ "a.txt": { content: TEXT } });
    expect(await get(`${run}/artifacts/a.txt`, { range })).toMatchObject({
      status: 416,
      headers: { "content-range": "bytes */10000", "cache-control": "no-store" },
      json: { code: "range-not-satisfiable" },
    });
  });

  it.each([
    ["gzip", gzipSync],
    ["zstd", zstdCompressSync],
  ] as const)(
    "that is packed with %s is sent as it is to who takes that, and unpacked to others",
    async (encoding, pack) => {
      const packed = pack(TEXT);
      const { run } = await service.finished({ "a.txt": { content: packed, contentEncoding: encoding } });
      const path = `${run}/artifacts/a.txt`;
      const taken = await get(path, { "accept-encoding": encoding });
      expect(taken).toMatchObject({ status: 200, headers: { "content-encoding": encoding, vary: "Accept-Encoding" } });
      expect(taken.bytes.equals(packed)).toBe(true);
      const part = await get(path, { "accept-encoding": encoding, range: "bytes=0-3" });
      expect(part).toMatchObject({ status: 206, headers: { "content-range": `bytes 0-3/${packed.length}` } });
      expect(part.bytes.equals(packed.subarray(0, 4))).toBe(true);

      const plain = await get(path, { "accept-encoding": "br", range: "bytes=0-3" });
      expect(plain).toMatchObject({ status: 200, headers: { "accept-ranges": "none", vary: "Accept-Encoding" } });
      expect(plain.headers["content-encoding"]).toBeUndefined();
      expect(plain.bytes.toString()).toBe(TEXT);
      // Other bytes, so another tag.
      const { etag = "" } = plain.headers;
      expect(etag).not.toBe(taken.headers.etag);
      expect(await get(path, { "if-none-match": etag })).toMatchObject({ status: 304 });
      expect(await get(path, { "if-none-match": taken.headers.etag })).toMatchObject({ status: 200 });
      expect((await service.client.ask("HEAD", path)).headers["content-length"]).toBeUndefined();
    },
  );

  it("that cannot be unpacked is cut off, not ended as if it were whole", async () => {
    const broken = gzipSync(Buffer.alloc(5_000_000, "broken ")).subarray(0, -9);
    const { run } = await service.finished({ "a.txt": { content: broken, contentEncoding: "gzip" } });
    await expect(get(`${run}/artifacts/a.txt`)).rejects.toThrow("aborted");
  });

  it("is saved under its own name on demand, whatever that is", async () => {
    const name = 'public/ä "quoted"; filename=x.html';
    const { run } = await service.finished({ [name]: { content: "a", contentType: "text/html" } });
    const path = `${run}/artifacts/${encodeURIComponent(name).replaceAll("%2F", "/")}`;
    const saved = await get(`${path}?download=1`);
    expect(saved.headers["content-disposition"]).toMatch(
      /^attachment; filename=".*\\"quoted\\"; filename=x\.html"; filename\*=UTF-8''%C3%A4/,
    );
    expect(saved.headers["content-type"]).toBe("text/html");
    expect((await get(path)).headers["content-disposition"]).toBeUndefined();
  });
});

describe("a hostile artifact", () => {
  it("has no scripts, and is no part of a page of ours", async () => {
    const content = "<script>fetch('/api/v1/session')</script>";
    const { run } = await service.finished({ "a.html": { content, contentType: "text/html" } });
    const { headers } = await get(`${run}/artifacts/a.html`);
    const policy = String(headers["content-security-policy"]);
    expect(policy.split("; ")).toEqual(expect.arrayContaining(["sandbox", "default-src 'none'"]));
    expect(policy).not.toContain("allow-");
    expect(policy).not.toContain("script-src");
    expect(headers).toMatchObject({
      "x-content-type-options": "nosniff",
      "cross-origin-resource-policy": "same-origin",
    });
    for (const dest of ["script", "serviceworker", "worker", "style", "object"]) {
      const answer = await get(`${run}/artifacts/a.html`, { "sec-fetch-dest": dest });
      expect(answer).toMatchObject({ status: 403, json: { code: "not-for-pages" } });
    }
    expect(await get(`${run}/artifacts/a.html`, { "sec-fetch-dest": "image" })).toMatchObject({ status: 200 });
  });

  it.each(["no type", "text/html\r\nset-cookie: a=b", "text/html, text/plain", "x".repeat(5_000)])(
    "has a type that is one: %j",
    async (contentType) => {
      const { run } = await service.finished({ "a.bin": { content: "a", contentType } });
      const { headers, status } = await get(`${run}/artifacts/a.bin`);
      expect(status).toBe(200);
      expect(headers["content-type"]).toBe("application/octet-stream");
      expect(headers["set-cookie"]).toBeUndefined();
    },
  );

  const wrong: readonly [string, number][] = [
    ["..", 400],
    ["../../../../../etc/passwd", 400],
    ["%2e%2e/%2e%2e/etc/passwd", 400],
    ["..%2f..%2fetc%2fpasswd", 400],
    ["/etc/passwd", 400],
    ["a//b", 400],
    ["./a.txt", 400],
    ["a%00b", 400],
    ["a%0d%0ab", 400],
    ["%ff", 400],
    ["%", 400],
    ["a".repeat(10_240), 400],
    ["a/".repeat(5_000), 400],
    ["a".repeat(15_000), 414],
    ["a.txt/", 400],
    ["A.TXT", 404],
    ["constructor", 404],
    ["__proto__", 404],
  ];

  it.each(wrong.map(([name, status]) => [name.slice(0, 30), status, name] as const))(
    "is not at %s: %i",
    async (_, status, name) => {
      const { run } = await service.finished({ "a.txt": { content: "a" } });
      expect((await get(`${run}/artifacts/${name}`)).status).toBe(status);
    },
  );
});

describe("an artifact without content", () => {
  const { signal } = new AbortController();

  it("says why there is none", async () => {
    const claim = await service.claim();
    await claim.artifacts.putError(
      { name: "a", reason: "file-missing-on-worker", message: "there was no file" },
      signal,
    );
    await claim.artifacts.putError({ name: "b", reason: "too-large-file-on-worker", message: "it was 9 GiB" }, signal);
    await claim.resolve({ kind: "failed" });
    const run = `/api/v1/tasks/${claim.task.taskId}/runs/0`;
    expect(await get(`${run}/artifacts/a`)).toMatchObject({
      status: 404,
      json: { code: "artifact-missing", message: "there was no file", details: { reason: "file-missing-on-worker" } },
    });
    expect(await get(`${run}/artifacts/b`)).toMatchObject({ status: 410, json: { code: "artifact-missing" } });
    expect(await get(`${run}/artifacts/c`)).toMatchObject({ status: 404, json: { code: "artifact-not-found" } });
  });

  it("stands for another, or for an address of the web", async () => {
    const claim = await service.claim();
    await service.put(claim, "real.txt", { content: "real" });
    const link = (name: string, target: { artifact: string } | { url: string }) =>
      claim.artifacts.putLink?.({ name, contentType: "text/plain", ...target }, signal);
    await link("second", { artifact: "first" });
    await link("first", { artifact: "real.txt" });
    await link("one", { artifact: "two" });
    await link("two", { artifact: "one" });
    await link("nowhere", { artifact: "../../secret" });
    await link("web", { url: "https://example.com/log?a=1" });
    await link("script", { url: "javascript:alert(1)" });
    await link("nonsense", { url: "//" });
    const run = `/api/v1/tasks/${claim.task.taskId}/runs/0`;
    const followed = await get(`${run}/artifacts/second`);
    expect({ status: followed.status, text: followed.bytes.toString() }).toEqual({ status: 200, text: "real" });
    expect(await get(`${run}/artifacts/web`)).toMatchObject({
      status: 303,
      headers: { location: "https://example.com/log?a=1" },
    });
    for (const [name, status] of Object.entries({ one: 404, nowhere: 404, script: 410, nonsense: 410 })) {
      const answer = await get(`${run}/artifacts/${name}`);
      expect({ name, status: answer.status, location: answer.headers.location }).toEqual({ name, status });
    }
    await claim.resolve({ kind: "completed" });
  });

  it("is gone where its file is, and that says nothing of the host", async () => {
    const { taskId, run } = await service.finished({ "a.txt": { content: "a" } });
    const [artifact] = await service.queue.artifacts(taskId);
    await rm(artifact?.file ?? "");
    expect(await get(`${run}/artifacts/a.txt`)).toMatchObject({ status: 410, json: { code: "file-gone" } });
  });

  it("is elsewhere where another host has it", async () => {
    const { taskId, run } = await service.finished({ "a.txt": { content: "a" } });
    await server.query(
      `UPDATE boxcar.artifact SET store = 'another-host', worker_id = 'worker-2' WHERE task_id = '${taskId}'`,
      service.databaseUrl,
    );
    expect(await get(`${run}/artifacts/a.txt`)).toMatchObject({
      status: 404,
      json: { code: "artifact-elsewhere", details: { workerId: "worker-2" } },
    });
  });
});
