import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { DirectoryStore } from "../../../src/artifact/directory-store.ts";
import { collectFromGuest } from "../../../src/feature/artifacts/collect-from-guest.ts";
import type { StoredArtifact } from "../../../src/feature/artifacts/record.ts";
import type { ArtifactRequest } from "../../../src/feature/artifacts/request.ts";
import { runCommand } from "../../../src/host/command.ts";
import { buildAgent, startGuest, temporaryFolder } from "../guest/guest-harness.ts";

let agent: string;

beforeAll(async () => {
  agent = await buildAgent("release");
});

const sha256 = (data: Uint8Array | string) => createHash("sha256").update(data).digest("hex");

/** Collects with the real agent, whose task has the folder of these files as its directory. */
async function collect(files: Readonly<Record<string, string | Buffer>>, request: Partial<ArtifactRequest>) {
  const [guestFolder, store] = [await temporaryFolder(), await temporaryFolder()];
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(guestFolder.path, path)), { recursive: true });
    await writeFile(join(guestFolder.path, path), content);
  }
  await using guest = await startGuest(agent, { cwd: guestFolder.path });
  await guest.session.resolved;
  const usual = { name: "out", path: "out", type: "file", optional: false, compression: "none" } as const;
  const collection = await collectFromGuest(
    [{ ...usual, ...request, path: (request.path ?? "out").replace("$GUEST", guestFolder.path) }],
    guest.session,
    new DirectoryStore(store.path),
    { maxBytes: 100_000_000, maxFiles: 10_000 },
    { signal: new AbortController().signal, timeoutMs: 60_000 },
  );
  await guestFolder[Symbol.asyncDispose]();
  return { ...collection, store };
}

describe("what a pattern means in a guest", () => {
  const files = {
    "top.xml": "<top/>",
    "out/a.xml": "<a/>",
    "out/b/c.xml": "<c/>",
    "out/b/c.txt": "c",
    "out/.hidden/d.xml": "<d/>",
  };

  it.each([
    ["*.xml", ["out/top.xml"]],
    ["**/*.xml", ["out/out/a.xml", "out/out/b/c.xml", "out/top.xml"]],
    ["./out/**/*.xml", ["out/a.xml", "out/b/c.xml"]],
    ["out/b/../*.xml", ["out/a.xml"]],
    ["$GUEST/out/*/*.txt", ["out/b/c.txt"]],
    ["out/**/.*/*", ["out/.hidden/d.xml"]],
  ])("%s", async (path, expected) => {
    const { records, problems, store } = await collect(files, { path });
    await using _ = store;
    expect(problems).toEqual([]);
    expect(records.map(({ name }) => name).sort()).toEqual(expected);
    for (const record of records as StoredArtifact[]) {
      expect(sha256(await readFile(join(store.path, record.name)))).toBe(record.sha256);
    }
  });

  it("may be folders", async () => {
    const { records, store } = await collect(files, { path: "*", type: "directory" });
    await using _ = store;
    expect(records.map(({ name }) => name).sort()).toEqual([
      ...["out/out/.hidden/d.xml", "out/out/a.xml", "out/out/b/c.txt", "out/out/b/c.xml"],
    ]);
  });

  it("may be a thousand files", async () => {
    const many = Object.fromEntries(Array.from({ length: 1_000 }, (_, index) => [`out/${index}`, String(index)]));
    const { records, problems, store } = await collect(many, { path: "out/*" });
    await using _ = store;
    expect([records.length, problems]).toEqual([1_000, []]);
    expect((await readdir(join(store.path, "out"))).length).toBe(1_000);
  });
});

describe("an artifact that is packed", () => {
  const text = "the same line again\n".repeat(300_000);

  it.each([
    ["gzip", ["gzip", "-dc"]],
    ["zstd", ["zstd", "-dcq"]],
  ] as const)("with %s, is unpacked by the program of that name", async (compression, unpack) => {
    const files = { "out/report.txt": text, "out/empty": "", "out/b/data.bin": Buffer.from([0, 255, 128]) };
    const { records, store } = await collect(files, { type: "directory", compression });
    await using _ = store;
    expect(records).toHaveLength(3);
    for (const record of records as StoredArtifact[]) {
      const file = join(store.path, record.name);
      const stored = await readFile(file);
      expect(record).toMatchObject({ contentEncoding: compression, sizeBytes: stored.length, sha256: sha256(stored) });
      const original = files[record.name as keyof typeof files];
      expect(record.content).toEqual({ sizeBytes: Buffer.byteLength(original), sha256: sha256(original) });
      await runCommand(["sh", "-c", `${unpack.join(" ")} < '${file}' > '${file}.unpacked'`]);
      expect(sha256(await readFile(`${file}.unpacked`))).toBe(sha256(original));
    }
    const report = records.find(({ name }) => name === "out/report.txt") as StoredArtifact;
    expect(report.sizeBytes).toBeLessThan(text.length / 50);
  });

  it("is one of text, where that is left to Boxcar", async () => {
    const files = { "out/a.html": text, "out/b.png": text, "out/c.json": text, "out/d": text, "out/e.svg": text };
    const { records, store } = await collect(files, { type: "directory", compression: "auto" });
    await using _ = store;
    const packed = (records as StoredArtifact[]).filter(({ contentEncoding }) => contentEncoding === "gzip");
    expect(packed.map(({ name }) => name)).toEqual(["out/a.html", "out/c.json", "out/e.svg"]);
  });

  it("has the limit of what is in it", async () => {
    const { records, store } = await collect({ out: Buffer.alloc(100_000_001) }, { compression: "zstd" });
    await using _ = store;
    expect(records).toMatchObject([{ name: "out", error: "too-large-file-on-worker" }]);
    expect(await readdir(store.path)).toEqual([]);
  });
});
