import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ApiJob } from "../../../src/generated/api.ts";
import { PostgresServer } from "../../postgres-server.ts";
import { FileServer } from "../feature/inputs/file-server.ts";
import { ArchiveFolder, sha256Of } from "../image/archives.ts";
import { TaskService } from "./task-service.ts";

const folder = new ArchiveFolder();
const archive = folder.packImage(folder.makeImage());

let files: FileServer;
let server: PostgresServer;
let service: TaskService;

beforeAll(async () => {
  server = await PostgresServer.start();
  files = await FileServer.start({ "/ci/image.tar.zst": await readFile(archive) });
  const allowUrls = [files.url("/ci/")];
  service = await TaskService.start(server, { allowPaths: true, allowUrls, allowArtifacts: true });
});

afterAll(async () => {
  await service[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
  await files[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

/** Resolves when the job is over. */
async function ended(answer: { status: number; json: unknown }): Promise<ApiJob> {
  expect(answer).toMatchObject({ status: 202 });
  const { job } = answer.json as ApiJob;
  for (;;) {
    const { json } = await service.client.get(`/api/v1/images/jobs/${job}`);
    if ((json as ApiJob).state !== "running") return json as ApiJob;
  }
}

const pull = (body: object) => service.client.post("/api/v1/images/pull", body);

describe("images over HTTP", () => {
  it("are fetched, shown, named and removed", async () => {
    const done = await ended(await pull({ source: archive, tag: "mine" }));
    expect(done).toMatchObject({ kind: "pull", state: "done", image: expect.stringMatching(/^sha256:/) });
    const { image: digest = "" } = done;
    expect((await service.client.get("/api/v1/images/jobs")).json).toContainEqual(done);
    const list = await service.client.get("/api/v1/images");
    expect(list.json).toMatchObject([{ digest, tags: ["mine"], machine: { memory: 256 } }]);
    expect(JSON.stringify(list.json)).not.toContain(service.folder);
    for (const reference of ["mine", digest, digest.slice(7, 13)]) {
      expect((await service.client.get(`/api/v1/images/${reference}`)).json).toMatchObject({ digest, snapshots: [] });
    }
    const tagged = await service.client.post("/api/v1/images/tag", { image: "mine", tag: "yours" });
    expect(tagged).toMatchObject({ status: 200, json: { digest, tags: ["mine", "yours"] } });
    const lease = await service.host.images.acquire("mine");
    const remove = (name: string) => service.client.ask("DELETE", `/api/v1/images/${name}`);
    expect((await remove("mine")).json).toEqual({ removedTags: ["mine"], removedImage: false });
    expect(await remove("yours")).toMatchObject({ status: 409, json: { code: "image-in-use" } });
    await lease[Symbol.asyncDispose]();
    expect((await remove("yours")).json).toEqual({ removedTags: ["yours"], removedImage: true });
    expect(await remove("yours")).toMatchObject({ status: 404, json: { code: "image-not-found" } });
    expect((await service.client.get("/api/v1/images")).json).toEqual([]);
  });

  it("are fetched by a URL that is allowed, with its digests, and from what a task has left", async () => {
    const sha256 = sha256Of(archive);
    const { taskId } = await service.finished({ "public/image.tar.zst": { content: await readFile(archive) } });
    const url = files.url("/ci/image.tar.zst");
    for (const source of [url, { url, sha256 }, { taskId, artifact: "public/image.tar.zst" }]) {
      expect(await ended(await pull({ source }))).toMatchObject({ state: "done", image: `sha256:${sha256}` });
    }
    expect(await service.host.images.archiveFile(sha256), "it can be pushed").toBeDefined();
    const wrong = await ended(await pull({ source: { url, sha256, md5: "0".repeat(32) } }));
    expect(wrong).toMatchObject({ state: "failed", error: { code: "image-digest-mismatch" } });
    const missing = await ended(await pull({ source: { taskId, artifact: "public/none" } }));
    expect(missing).toMatchObject({ state: "failed", error: { code: "image-artifact-not-found" } });
  });

  it("are fetched by one job for all who ask at once", async () => {
    const answers = await Promise.all([1, 2, 3].map(() => pull({ source: archive })));
    expect(new Set(answers.map(({ json }) => (json as ApiJob).job)).size).toBe(1);
    await ended(answers[0] as (typeof answers)[0]);
  });

  it("that are none are told by the job", async () => {
    const broken = join(folder.path, "broken.tar.zst");
    await writeFile(broken, "this is no archive");
    const { state, error } = await ended(await pull({ source: broken }));
    expect({ state, code: error?.code }).toEqual({ state: "failed", code: expect.stringMatching(/./) });
    expect(error?.code).not.toBe("internal-error");
  });

  it("are warmed by a job, which fails where there can be no machine", async () => {
    const { image = "" } = await ended(await pull({ source: archive }));
    const { state, error } = await ended(await service.client.post("/api/v1/images/warm", { image }));
    expect({ state, error }).toMatchObject({ state: "failed", error: { code: "no-accelerator" } });
  });

  it.each([
    ["pull", { source: "https://example.com/image.tar.zst" }, 400, "image-url-not-allowed"],
    ["pull", { source: "debian-minimal" }, 400, "bad-request"],
    ["pull", { source: "/some/archive", tag: "No Name" }, 400, "image-reference-invalid"],
    ["pull", {}, 400, "invalid-input"],
    ["pull", { source: { url: "https://example.com/image.tar.zst" } }, 400, "invalid-input"],
    ["pull", { source: { taskId: "short", artifact: "a" } }, 400, "invalid-input"],
    ["pull", { source: { url: "https://example.com/a", sha256: "0".repeat(64) } }, 400, "image-url-not-allowed"],
    ["warm", { image: "no-such-image" }, 404, "image-not-found"],
    ["tag", { image: "no-such-image", tag: "a" }, 404, "image-not-found"],
    ["tag", { image: "../../etc", tag: "a" }, 400, "image-reference-invalid"],
  ] as const)("are not for %s %j", async (verb, body, status, code) => {
    expect(await service.client.post(`/api/v1/images/${verb}`, body)).toMatchObject({ status, json: { code } });
  });

  it("are not for everybody to change", async () => {
    const [submitter, operator] = [service.as("ann", "submitter"), service.as("olga", "operator")];
    for (const verb of ["pull", "warm", "tag"]) {
      expect(await submitter.post(`/api/v1/images/${verb}`, { source: archive })).toMatchObject({ status: 403 });
    }
    expect(await operator.ask("DELETE", "/api/v1/images/mine")).toMatchObject({ status: 403 });
    expect(await submitter.get("/api/v1/images")).toMatchObject({ status: 200 });
  });

  it.each(["no-such-image", "..%2f..%2fetc", "%00", "jobs/none"])("are not at %s", async (name) => {
    expect((await service.client.get(`/api/v1/images/${name}`)).status).toBeGreaterThanOrEqual(400);
  });
});
