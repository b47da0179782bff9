import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, posix } from "node:path";
import { Readable } from "node:stream";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DirectoryStore } from "../../../../src/artifact/directory-store.ts";
import { Collection, collectArtifact } from "../../../../src/feature/artifacts/collect-artifacts.ts";
import type { ArtifactSource } from "../../../../src/feature/artifacts/collect-one.ts";
import { findFiles } from "../../../../src/feature/artifacts/find-matches.ts";
import { type Glob, parsePattern } from "../../../../src/feature/artifacts/glob.ts";
import type { ArtifactRequest } from "../../../../src/feature/artifacts/request.ts";
import { GuestError } from "../../../../src/guest/guest-errors.ts";

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "boxcar-matches-"));
});

afterEach(() => rm(directory, { recursive: true }));

/** A guest with these files, of ten bytes each. */
class Files implements ArtifactSource {
  readonly asked: string[] = [];
  /** Whole paths. */
  readonly #paths: readonly string[];
  readonly #gone: ReadonlySet<string>;

  constructor(paths: readonly string[], gone: readonly string[] = []) {
    this.#paths = paths;
    this.#gone = new Set(gone);
  }

  async listFolder(path: string): Promise<string[]> {
    this.asked.push(`list ${path}`);
    const found = this.#below(path);
    if (found.length === 0) throw new GuestError("file-not-found", `${path} does not exist in the guest`);
    return found;
  }

  async getFile(path: string, { maxBytes }: { maxBytes: number }) {
    this.asked.push(path);
    if (this.#gone.has(path)) throw new GuestError("file-not-found", `${path} does not exist in the guest`);
    if (maxBytes < 10) throw new GuestError("file-too-large", `${path} has 10 bytes, more than the ${maxBytes}`);
    return { stream: content() };
  }

  async getFolder(path: string, { limits }: { limits: { maxTotalBytes: number } }) {
    this.asked.push(`folder ${path}`);
    const paths = this.#below(path);
    async function* files() {
      if (paths.length * 10 > limits.maxTotalBytes) throw new GuestError("folder-refused", "too large");
      for (const name of paths) yield { path: name, stream: content() };
    }
    return { files: files() };
  }

  #below(folder: string): string[] {
    const base = posix.join(folder, "/");
    return this.#paths.filter((path) => path.startsWith(base)).map((path) => path.slice(base.length));
  }
}

function content(): Readable {
  return Readable.from([Buffer.from("0123456789")], { objectMode: false });
}

async function collect(guest: ArtifactSource, request: Partial<ArtifactRequest>, limits = {}): Promise<Collection> {
  const usual = { name: "out", path: "", type: "file", optional: false, compression: "none" } as const;
  const whole: ArtifactRequest = { ...usual, ...request };
  const options = { maxBytes: 1_000, maxFiles: 100, signal: new AbortController().signal, ...limits };
  const collection = new Collection();
  await collectArtifact(whole, guest, new DirectoryStore(directory), options, collection);
  return collection;
}

const names = ({ records }: Collection) => records.map(({ name }) => name);

describe("collecting what a pattern means", () => {
  const guest = () => new Files(["/w/a.xml", "/w/b.txt", "/w/sub/c.xml", "/w/sub/deep/d.xml", "/w/.e.xml"]);

  it("keeps each file under its path below the last folder that is named", async () => {
    expect(names(await collect(guest(), { path: "/w/**/*.xml" }))).toEqual([
      ...["out/a.xml", "out/sub/c.xml", "out/sub/deep/d.xml"],
    ]);
    expect(names(await collect(guest(), { path: "/w/sub/*.xml", name: "second" }))).toEqual(["second/c.xml"]);
  });

  it("says of each what the artifact says, or what its own name does", async () => {
    const { records } = await collect(guest(), { path: "/w/?.*" });
    expect(records).toMatchObject([{ contentType: "application/xml" }, { contentType: "text/plain" }]);
    const traits = { contentType: "text/x", compression: "gzip", expiresAfterMs: 1_000, name: "b" } as const;
    expect((await collect(guest(), { path: "/w/?.*", ...traits })).records).toMatchObject([
      { contentType: "text/x", contentEncoding: "gzip", content: { sizeBytes: 10 }, expiresAfterMs: 1_000 },
      { contentType: "text/x", contentEncoding: "gzip", content: { sizeBytes: 10 }, expiresAfterMs: 1_000 },
    ]);
  });

  it("keeps whole folders, once, where folders are meant", async () => {
    const source = guest();
    expect(names(await collect(source, { path: "/w/**", type: "directory" }))).toEqual([
      ...["out/sub/c.xml", "out/sub/deep/d.xml"],
    ]);
    expect(source.asked).toEqual(["list /w", "folder /w/sub"]);
    expect(names(await collect(guest(), { path: "/w/*/d*", type: "directory", name: "b" }))).toEqual([
      "b/sub/deep/d.xml",
    ]);
  });

  it("asks for a folder at once where everything in it is meant, and for nothing that is not", async () => {
    const source = new Files(["/w/a/1.xml", "/w/a/b/2.xml", "/w/a/b/3.xml", "/w/c/4.xml", "/w/c/5.txt", "/w/d/6.xml"]);
    const { records } = await collect(source, { path: "/w/**/*.xml" });
    expect(source.asked).toEqual(["list /w", "folder /w/a", "/w/c/4.xml", "/w/d/6.xml"]);
    expect(records.map(({ name }) => name)).toEqual([
      ...["out/a/1.xml", "out/a/b/2.xml", "out/a/b/3.xml", "out/c/4.xml", "out/d/6.xml"],
    ]);
    const all = new Files(["/w/1.xml", "/w/2.xml"]);
    expect(names(await collect(all, { path: "/w/*", name: "b" }))).toEqual(["b/1.xml", "b/2.xml"]);
    expect(all.asked).toEqual(["list /w", "folder /w"]);
  });

  it("keeps nothing of a folder that it has not chosen from the list", async () => {
    const source = new Files(["/w/1.xml", "/w/2.xml"]);
    source.listFolder = async () => ["1.xml"].concat("3.xml");
    expect(names(await collect(source, { path: "/w/*" }))).toEqual(["out/1.xml"]);
  });

  it("takes brackets around a wildcard for the character itself, and asks for one file", async () => {
    const source = new Files(["/w/[1].txt"]);
    expect(names(await collect(source, { path: "/w/[[]1].txt", name: "one.txt" }))).toEqual(["one.txt"]);
    expect(source.asked).toEqual(["/w/[1].txt"]);
  });

  it("is a missing file where nothing matches, or the folder is not there", async () => {
    for (const path of ["/w/*.pdf", "/nowhere/*.xml"]) {
      const { records, problems } = await collect(guest(), { path });
      expect(records).toMatchObject([{ name: "out", error: "file-missing-on-worker" }]);
      expect(problems).toHaveLength(1);
      expect(await collect(guest(), { path, optional: true })).toEqual(new Collection());
    }
  });

  it("leaves out what has gone since it was listed", async () => {
    const source = new Files(["/w/a.xml", "/w/b.xml", "/w/c.txt"], ["/w/a.xml"]);
    const { records, problems } = await collect(source, { path: "/w/*.xml" });
    expect([records.map(({ name }) => name), problems]).toEqual([["out/b.xml"], []]);
    const gone = await collect(new Files(["/w/a.xml"], ["/w/a.xml"]), { path: "/w/*", name: "b" });
    expect(gone.records).toMatchObject([{ error: "file-missing-on-worker" }]);
  });

  it("has the limits of one artifact for all of them together", async () => {
    const many = await collect(guest(), { path: "/w/**" }, { maxFiles: 3 });
    expect(many.records).toMatchObject([{ error: "too-large-file-on-worker" }]);
    const single = new Files(["/w/1.xml", "/w/2.xml", "/w/3.xml", "/w/4.txt"]);
    const large = await collect(single, { path: "/w/*.xml", name: "b" }, { maxBytes: 25 });
    expect(large.records).toMatchObject([{}, {}, { name: "b", error: "too-large-file-on-worker" }]);
    const folders = new Files(["/w/1/a", "/w/1/b", "/w/2/a"]);
    const more = await collect(folders, { path: "/w/*", type: "directory", name: "c" }, { maxBytes: 25 });
    expect(more.records).toMatchObject([{}, {}, { name: "c", error: "invalid-resource-on-worker" }]);
  });

  it("refuses a list in which a file is there twice, or is a folder too", async () => {
    for (const paths of [
      ["/w/a", "/w/a"],
      ["/w/a", "/w/a/b"],
    ]) {
      const { records } = await collect(new Files(paths), { path: "/w/**" });
      expect(records).toMatchObject([{ name: "out", error: "invalid-resource-on-worker" }]);
    }
  });

  it("refuses a name that only the worker gives", async () => {
    const source = new Files(["/w/logs/task.log", "/w/chain-of-trust.json"]);
    for (const type of ["file", "directory"] as const) {
      const fake = await collect(source, { name: "public", path: type === "file" ? "/w/**" : "/w", type });
      expect(fake.records).toMatchObject([{ name: "public", error: "invalid-resource-on-worker" }]);
      expect(fake.problems[0]).toContain("only the worker");
    }
  });

  it("lets others have their turn while a long list is compared, and can be stopped", async () => {
    const glob = parsePattern(`x/${"*a".repeat(100)}b`) as Glob;
    const listed = Array.from({ length: 20_000 }, (_, index) => `${"a".repeat(250)}${index}`);
    const controller = new AbortController();
    setImmediate(() => controller.abort(new Error("stopped")));
    await expect(findFiles(glob, listed, controller.signal)).rejects.toThrow("stopped");
  });
});
