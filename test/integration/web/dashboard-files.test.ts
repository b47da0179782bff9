import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import express from "express";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { dashboardFiles, readDashboardManifest } from "../../../src/web/dashboard-files.ts";

const server = createServer(express().use(dashboardFiles()));
const manifest = readDashboardManifest();
const script = manifest.firstLoad.find((name) => name.endsWith(".js") && name.includes("main")) ?? "";
let origin: string;

beforeAll(async () => {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => server.close());

/** Not fetch: that unpacks by itself. */
async function get(path: string, headers: Record<string, string> = {}) {
  const { request } = await import("undici");
  const { statusCode, headers: answered, body } = await request(origin + path, { headers });
  return { status: statusCode, headers: answered, body: Buffer.from(await body.arrayBuffer()) };
}

describe("the page", () => {
  it.each([
    "/",
    "/tasks",
    "/tasks/abc",
    "/tasks/abc/runs/0/display",
    "/workers",
    "/submit",
    "/audit",
    "/login",
    "/link",
  ])("is at %s, and is asked for anew each time", async (path) => {
    const { status, headers, body } = await get(path);
    expect(status).toBe(200);
    expect(headers).toMatchObject({
      "content-type": "text/html; charset=utf-8",
      "cache-control": "no-cache",
      "x-content-type-options": "nosniff",
      "x-frame-options": "DENY",
      vary: "Accept-Encoding",
    });
    expect(body.toString()).toContain(`<script type="module" src="/${script}"></script>`);
  });

  it("lets nothing run but files of this server", async () => {
    const { headers, body } = await get("/");
    const policy = new Map(
      String(headers["content-security-policy"])
        .split("; ")
        .map((rule) => [rule.split(" ")[0], rule]),
    );
    expect(policy.get("default-src")).toBe("default-src 'none'");
    expect(policy.get("script-src")).toBe("script-src 'self'");
    expect(policy.get("style-src")).toBe("style-src 'self'");
    expect(policy.get("connect-src")).toBe("connect-src 'self'");
    expect(policy.get("frame-ancestors")).toBe("frame-ancestors 'none'");
    expect([...policy.values()].join()).not.toContain("unsafe");
    expect(body.toString()).not.toMatch(/<style|style=|<script>|javascript:|https?:/);
  });

  it("is not sent again while it is the same", async () => {
    const { headers } = await get("/");
    expect(await get("/", { "if-none-match": String(headers["etag"]) })).toMatchObject({ status: 304 });
  });
});

describe("a file", () => {
  it.each([
    ["br", "br, gzip", brotliDecompressSync],
    ["gzip", "gzip", gunzipSync],
    [undefined, "identity", (bytes: Buffer) => bytes],
    [undefined, "br;q=0, gzip;q=0", (bytes: Buffer) => bytes],
  ])("comes as %s to who takes %j, and never changes", async (encoding, accepted, unpack) => {
    const { status, headers, body } = await get(`/${script}`, { "accept-encoding": accepted });
    expect(status).toBe(200);
    expect(headers["content-encoding"]).toBe(encoding);
    expect(headers).toMatchObject({
      "content-type": "text/javascript; charset=utf-8",
      "cache-control": "public, max-age=31536000, immutable",
    });
    expect(unpack(body).equals((await get(`/${script}`)).body)).toBe(true);
  });

  it("has its type", async () => {
    const style = manifest.firstLoad.find((name) => name.endsWith(".css"));
    expect((await get(`/${style}`)).headers["content-type"]).toBe("text/css; charset=utf-8");
    expect((await get("/favicon.svg")).headers["content-type"]).toBe("image/svg+xml");
  });
});

it.each([
  "/manifest.json",
  "/LICENCES.txt",
  "/assets/",
  "/assets/../manifest.json",
  "/assets/%2e%2e/manifest.json",
  "/assets/..%2f..%2fpackage.json",
  `/${script}.br`,
  "/assets/main-AAAAAAAA.js",
  "/tasksabc",
  "/nothing",
  "/FAVICON.svg",
  "/favicon.svg/",
  "/%",
])("has nothing at %s", async (path) => {
  const { status } = await get(path);
  expect([400, 404]).toContain(status);
});

it("stays whole when a later build replaces the page", async () => {
  const directory = await mkdtemp(join(tmpdir(), "dashboard-"));
  const write = async (page: string, asset: string) => {
    await mkdir(join(directory, "assets"), { recursive: true });
    await writeFile(join(directory, "index.html"), page);
    await writeFile(join(directory, asset), "// an asset");
    const files = { "index.html": ["index.html"], [asset]: [asset] };
    await writeFile(
      join(directory, "manifest.json"),
      JSON.stringify({ page: "index.html", pages: [""], firstLoad: [], files }),
    );
  };
  await write("the first build: assets/a.js", "assets/a.js");
  const early = createServer(express().use(dashboardFiles({ directory }))).listen(0, "127.0.0.1");
  try {
    await once(early, "listening");
    await write("the second build: assets/b.js", "assets/b.js");
    const base = `http://127.0.0.1:${(early.address() as AddressInfo).port}`;
    expect(await (await fetch(base)).text()).toBe("the first build: assets/a.js");
    expect((await fetch(`${base}/assets/a.js`)).status).toBe(200);
  } finally {
    early.close();
    await rm(directory, { recursive: true });
  }
});

it("leads from the file of the page to the page", async () => {
  expect(await get("/index.html")).toMatchObject({ status: 308, headers: { location: "/" } });
});
