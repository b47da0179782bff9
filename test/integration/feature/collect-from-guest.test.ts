import { mkdtemp, readdir, rm } from "node:fs/promises";
import { type ClientRequest, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { pack } from "tar-stream";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DirectoryStore } from "../../../src/artifact/directory-store.ts";
import { collectFromGuest } from "../../../src/feature/artifacts/collect-from-guest.ts";
import type { ArtifactRequest } from "../../../src/feature/artifacts/request.ts";
import { ServiceOnLoopback } from "../guest/guest-harness.ts";

const LIMITS = { maxBytes: 1_000_000, maxFiles: 10 };
const LONG_MS = 60_000;

let directory: string;
let service: ServiceOnLoopback;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "boxcar-collect-"));
  service = await ServiceOnLoopback.start();
});

afterEach(async () => {
  await service[Symbol.asyncDispose]();
  await rm(directory, { recursive: true });
});

const artifact = (name: string, type: "file" | "directory" = "file"): ArtifactRequest => ({
  name,
  path: `/${name}`,
  type,
  optional: false,
  compression: "none",
});

function collect(requests: readonly ArtifactRequest[], options: { timeoutMs?: number; signal?: AbortSignal } = {}) {
  const { timeoutMs = LONG_MS, signal = new AbortController().signal } = options;
  return collectFromGuest(requests, service.session, new DirectoryStore(directory), LIMITS, { signal, timeoutMs });
}

/** What a guest does that is asked for something: begins an answer. */
async function beginReply(headers: Record<string, string> = {}): Promise<ClientRequest> {
  const peer = { port: service.port, host: "127.0.0.1", agent: false };
  const poll = request({ ...peer, path: "/engine/v1/poll" }).end();
  const response = await new Promise<NodeJS.ReadableStream>((resolve) => poll.on("response", resolve));
  const { id } = JSON.parse((await buffer(response)).toString()) as { id: string };
  const reply = request({ ...peer, path: `/engine/v1/reply?id=${id}`, method: "POST", headers });
  reply.on("error", () => {});
  return reply;
}

const NOT_COLLECTED = { error: "file-missing-on-worker" };

describe("collecting artifacts", () => {
  it("ends in time although the guest goes on sending, and keeps what came before", async () => {
    const collection = collect([artifact("whole"), artifact("endless"), artifact("after")], { timeoutMs: 300 });
    (await beginReply()).end("all of it");
    (await beginReply()).write("b");
    const { records, problems } = await collection;
    const why = "artifacts were collected for 300 ms, which is the limit";
    expect(records).toEqual([
      expect.objectContaining({ name: "whole", sizeBytes: 9 }),
      { name: "endless", ...NOT_COLLECTED, message: why },
      { name: "after", ...NOT_COLLECTED, message: why },
    ]);
    expect(problems).toEqual([`artifact endless: file-missing-on-worker: ${why}`, expect.stringContaining("after")]);
    expect(await readdir(directory)).toEqual(["whole"]);
  });

  it("ends in time in the middle of a folder, and keeps its files", async () => {
    const collection = collect([artifact("folder", "directory")], { timeoutMs: 300 });
    const tar = pack();
    tar.entry({ name: "first.txt" }, "1");
    tar.entry({ name: "second" }, "2".repeat(1_000));
    tar.finalize();
    const bytes = await buffer(tar);
    (await beginReply()).write(bytes.subarray(0, bytes.lastIndexOf("2")));
    const { records } = await collection;
    expect(records).toEqual([
      expect.objectContaining({ name: "folder/first.txt", sizeBytes: 1, contentType: "text/plain" }),
      expect.objectContaining({ name: "folder", ...NOT_COLLECTED }),
    ]);
    expect(await readdir(join(directory, "folder"))).toEqual(["first.txt"]);
  });

  it("has a problem, not an exception, where the guest breaks off; and asks it for nothing more", async () => {
    const collection = collect([artifact("whole"), artifact("half"), artifact("after")]);
    (await beginReply()).end("all of it");
    const half = await beginReply({ "content-length": "100" });
    half.write("half", () => half.destroy());
    const { records, problems } = await collection;
    expect(records).toEqual([
      expect.objectContaining({ name: "whole" }),
      { name: "half", ...NOT_COLLECTED, message: "the guest broke off while it was sending /half" },
      expect.objectContaining({ name: "after", ...NOT_COLLECTED }),
    ]);
    expect(problems).toHaveLength(2);
  });

  it("rejects with the reason of whoever stops the run", async () => {
    const controller = new AbortController();
    const collection = collect([artifact("endless")], { signal: controller.signal });
    (await beginReply()).write("b");
    controller.abort(new Error("stopped by SIGINT"));
    await expect(collection).rejects.toThrow("stopped by SIGINT");
  });

  it("rejects where the host is at fault", async () => {
    const collection = collect([artifact("file"), artifact("file/below")]);
    (await beginReply()).end("all of it");
    (await beginReply()).end("all of it");
    await expect(collection).rejects.toThrow("EEXIST");
  });
});
