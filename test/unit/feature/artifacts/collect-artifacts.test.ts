import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DirectoryStore } from "../../../../src/artifact/directory-store.ts";
import { Collection, collectArtifact } from "../../../../src/feature/artifacts/collect-artifacts.ts";
import type { ArtifactSource } from "../../../../src/feature/artifacts/collect-one.ts";
import type { ArtifactRequest } from "../../../../src/feature/artifacts/request.ts";

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "boxcar-artifacts-"));
});

afterEach(() => rm(directory, { recursive: true }));

/** A guest in which every file says "x", and every folder has these files. */
function guestWith(files: readonly string[]): ArtifactSource {
  const content = () => ({ stream: Readable.from([Buffer.from("x")]) });
  return {
    getFile: async () => content(),
    getFolder: async () => ({
      files: (async function* () {
        for (const path of files) yield { path, ...content() };
      })(),
    }),
    listFolder: async () => files,
  };
}

async function collect(requests: readonly Partial<ArtifactRequest>[], files: readonly string[] = []) {
  const whole = requests.map(
    (request) => ({ name: "a", path: "/a", type: "file", optional: false, compression: "none", ...request }) as const,
  );
  const options = { maxBytes: 1_000, maxFiles: 100, signal: new AbortController().signal };
  const collection = new Collection();
  for (const request of whole) {
    await collectArtifact(request, guestWith(files), new DirectoryStore(directory), options, collection);
  }
  return collection;
}

describe("collecting artifacts", () => {
  it.each([
    ["report/index.html", "text/html"],
    ["log.txt", "text/plain"],
    ["picture.PNG", "image/png"],
    ["data.json", "application/json"],
    ["cpus", "application/octet-stream"],
    ["html", "application/octet-stream"],
    ["core.1234", "application/octet-stream"],
  ])("guesses the media type of %s from its name", async (name, contentType) => {
    expect((await collect([{ name }])).records).toMatchObject([{ name, contentType }]);
    expect((await collect([{ name: "folder", type: "directory" }], [name])).records).toMatchObject([
      { name: `folder/${name}`, contentType },
    ]);
  });

  it("keeps the media type that the task names", async () => {
    const { records } = await collect([{ name: "log.txt", contentType: "text/x-log" }]);
    expect(records).toMatchObject([{ contentType: "text/x-log" }]);
  });

  it.each([
    ["a name", "x".repeat(300)],
    ["a path", "y/".repeat(2_040)],
  ])("blames the task, and goes on, where %s is too long for the disk of this host", async (_, long) => {
    const { records, problems } = await collect(
      [{ name: "out", type: "directory" }, { name: "log.txt" }],
      [`${long}z`],
    );
    expect(records).toMatchObject([{ name: "out", error: "invalid-resource-on-worker" }, { name: "log.txt" }]);
    expect(problems).toEqual([expect.stringContaining("too long")]);
  });
});
