/** Registries that lie, and servers that want to keep who asks. */
import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import type { RequestListener } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { Scope } from "../../../src/base/scope.ts";
import { DirectoryRegistry } from "../../../src/image/registry/directory-registry.ts";
import { HttpRegistry } from "../../../src/image/registry/http-registry.ts";
import { parentsFrom } from "../../../src/image/registry/parents.ts";
import { pullImage } from "../../../src/image/registry/pull.ts";
import { pushImage } from "../../../src/image/registry/push.ts";
import type { Registry } from "../../../src/image/registry/registry.ts";
import { ImageSignatures } from "../../../src/image/signatures/image-signatures.ts";
import { SignaturePolicy } from "../../../src/image/signatures/signature-policy.ts";
import { ImageStore } from "../../../src/image/store/image-store.ts";
import { signImage } from "../../../src/signing/image-signature.ts";
import { generateKeys, parsePrivateKey } from "../../../src/signing/keys.ts";
import { ArchiveFolder } from "./archives.ts";
import { makeChain } from "./chains.ts";
import { StaticServer } from "./static-server.ts";

const scope = new Scope();
const folder = new ArchiveFolder();
scope.defer(() => folder[Symbol.dispose]());
afterAll(() => scope[Symbol.asyncDispose]());

const chain = makeChain(folder, 3);
const [root, child] = [chain[0], chain[1] as (typeof chain)[0]];
const key = parsePrivateKey(generateKeys().privatePem);
const TRIES = { maxAttempts: 2, backOffMs: 1, stallMs: 2_000 };

let directory: string;
let store: ImageStore;
let into: { store: ImageStore; signatures: ImageSignatures; policy: SignaturePolicy; maxArchiveBytes: number };

async function temporary(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "boxcar-hostile-"));
  scope.defer(() => rm(path, { recursive: true, force: true }));
  return path;
}

/** A folder that has the whole chain, and names for its two lowest. */
beforeEach(async () => {
  directory = await temporary();
  const registry = await DirectoryRegistry.open(directory, { create: true });
  for (const [name, image] of Object.entries({ root, child })) {
    const archives = await Promise.all(chain.map(archiveOf));
    const parents = image === root ? [] : archives.filter(({ digest }) => digest === root.digest);
    await pushImage(registry, { archive: await archiveOf(image), parents, signatures: [] }, { tag: name });
  }
  const own = await temporary();
  store = scope.use(await ImageStore.open({ directory: own, limits: { reserveBytes: 0 } }));
  into = { store, signatures: new ImageSignatures(own), policy: new SignaturePolicy([]), maxArchiveBytes: 2 ** 30 };
});

async function archiveOf({ archive, digest }: (typeof chain)[0]) {
  return { digest, file: archive, bytes: (await readFile(archive)).length };
}

async function serve(instead?: (...given: Parameters<RequestListener>) => boolean, token?: string) {
  const server = scope.use(await StaticServer.start(directory, instead));
  return { server, registry: HttpRegistry.at(server.url, { tries: TRIES, token }) };
}

const pull = (registry: Registry, name = "child") => pullImage(registry, { name, digest: undefined }, into);

async function expectNothing(): Promise<void> {
  expect(await store.list()).toEqual([]);
}

function changeTag(name: string, change: (tag: Record<string, unknown>) => Record<string, unknown>): Promise<void> {
  const file = join(directory, "tags", `${name}.json`);
  return readFile(file, "utf8").then((text) => writeFile(file, JSON.stringify(change(JSON.parse(text)))));
}

describe("an archive that is another one", () => {
  it("is refused by its digest", async () => {
    const bytes = await readFile(root.archive);
    await writeFile(join(directory, "blobs", `${child.sha256}.tar.zst`), bytes);
    await expect(pull((await serve()).registry)).rejects.toMatchObject({ code: "image-digest-mismatch" });
    await expect(pull(await DirectoryRegistry.open(directory))).rejects.toMatchObject({
      code: "image-digest-mismatch",
    });
    await expectNothing();
  });

  it("is refused as a parent too", async () => {
    await writeFile(join(directory, "blobs", `${root.sha256}.tar.zst`), await readFile(child.archive));
    await expect(pull((await serve()).registry)).rejects.toMatchObject({ code: "image-digest-mismatch" });
    await expectNothing();
  });

  it("without an end is cut off", async () => {
    let sent = 0;
    const { registry } = await serve(({ url = "" }, response) => {
      if (!url.startsWith("/blobs/")) return false;
      // Frames that zstd skips: they are never data, and never over.
      const frame = Buffer.alloc(65_536);
      frame.writeUInt32LE(0x184d2a50, 0);
      frame.writeUInt32LE(frame.length - 8, 4);
      const more = () => {
        while (!response.destroyed) {
          sent += frame.length;
          if (!response.write(frame)) return void response.once("drain", more);
        }
      };
      more();
      return true;
    });
    await expect(pull(registry)).rejects.toThrow();
    expect(sent).toBeLessThan(256 * 1_024 * 1_024);
    await expectNothing();
  });
});

describe("a document that", () => {
  it.each([
    ["never ends", () => Buffer.alloc(100_000, " "), /longer than the \d+ bytes/],
    ["is no JSON", () => Buffer.from("<html>"), /is not JSON/],
    ["is a list", () => Buffer.from("[]"), /The name "child"/],
  ])("%s is refused", async (_what, bytes, message) => {
    const { registry } = await serve(({ url }, response) => {
      if (url !== "/tags/child.json") return false;
      response.end(bytes());
      return true;
    });
    await expect(pull(registry)).rejects.toThrow(message);
  });

  it.each<[string, Record<string, unknown>]>([
    ["is of another name", { name: "root" }],
    ["leads out of the folder", { digest: "sha256:../../../etc/passwd" }],
    ["has a parent that is itself", { parents: [child.digest] }],
    ["has parents in a circle", { parents: [root.digest, root.digest] }],
    [
      "has parents without an end",
      { parents: Array.from({ length: 17 }, (_, index) => `sha256:${String(index).padStart(64, "0")}`) },
    ],
    ["has a length that is none", { bytes: -1 }],
    ["has more than it may", { more: true }],
  ])("%s is refused", async (_what, change) => {
    await changeTag("child", (tag) => ({ ...tag, ...change }));
    await expect(pull((await serve()).registry)).rejects.toMatchObject({ code: "invalid-input" });
    await expect(pull(await DirectoryRegistry.open(directory))).rejects.toMatchObject({ code: "invalid-input" });
    await expectNothing();
  });

  it("is a link, a folder or a pipe is not read", async () => {
    const registry = await DirectoryRegistry.open(directory);
    const tags = join(directory, "tags");
    await symlink("/etc/hostname", join(tags, "link.json"));
    folder.run(tags, ["mkfifo", "pipe.json"]);
    folder.run(tags, ["mkdir", "folder.json"]);
    for (const name of ["link", "pipe", "folder"]) {
      await expect(registry.tag(name)).rejects.toThrow(/is no plain file/);
    }
  });

  it("says less of an archive than there is of it is refused", async () => {
    await changeTag("child", (tag) => ({ ...tag, bytes: 10 }));
    await expect(pull((await serve()).registry)).rejects.toMatchObject({ code: "registry-refused" });
  });

  it("hides parents keeps nobody from finding them, and names that are none are not fetched", async () => {
    await changeTag("child", (tag) => ({ ...tag, parents: [`sha256:${"ab".repeat(32)}`] }));
    const { registry, server } = await serve();
    expect(await pull(registry)).toMatchObject({ ancestors: [root.digest] });
    expect(server.asked.some(({ path }) => path.includes("abab"))).toBe(false);
  });
});

describe("a signature that", () => {
  it("is of another image is refused", async () => {
    const other = signImage({ digest: root.digest }, key);
    await writeFile(join(directory, "signatures", `${child.sha256}.json`), JSON.stringify(other.envelope));
    await expect(pull((await serve()).registry)).rejects.toThrow(/payload\.digest/);
    await expectNothing();
  });

  it("is none is refused", async () => {
    await writeFile(join(directory, "signatures", `${child.sha256}.json`), "{".repeat(1_000));
    await expect(pull((await serve()).registry)).rejects.toMatchObject({ code: "invalid-input" });
  });
});

describe("a token", () => {
  it("is for its own server, and not for where that leads", async () => {
    const elsewhere = scope.use(await StaticServer.start(directory));
    const { registry, server } = await serve(({ url = "" }, response) => {
      if (!url.startsWith("/blobs/")) return false;
      response.writeHead(307, { location: `${elsewhere.url}${url}` }).end();
      return true;
    }, "secret");
    await pull(registry);
    expect(new Set(server.asked.map(({ authorization }) => authorization))).toEqual(new Set(["Bearer secret"]));
    expect(elsewhere.asked.length).toBeGreaterThan(0);
    expect(elsewhere.asked.map(({ authorization }) => authorization)).not.toContain("Bearer secret");
  });

  it.each([401, 403])("that is missing (%i) is asked for", async (status) => {
    const { registry } = await serve((_, response) => {
      response.writeHead(status).end();
      return true;
    });
    const refused = { code: "registry-refused", message: expect.stringMatching(/images\.registries.*token create/) };
    await expect(pull(registry)).rejects.toMatchObject(refused);
    await expect(registry.putBlob(await archiveOf(root))).rejects.toMatchObject(refused);
  });
});

it("a download that breaks goes on where it was", async () => {
  const bytes = await readFile(child.archive);
  const ranges: (string | undefined)[] = [];
  const arrived = Promise.withResolvers<void>();
  const { registry } = await serve(({ url = "", headers }, response) => {
    if (!url.includes(child.sha256) || !url.startsWith("/blobs/")) return false;
    ranges.push(headers.range);
    const head = { etag: `"${child.sha256}"` };
    if (headers.range === undefined) {
      response.writeHead(200, { ...head, "content-length": bytes.length });
      response.write(bytes.subarray(0, 100));
      void arrived.promise.then(() => response.destroy());
    } else {
      const content = `bytes 100-${bytes.length - 1}/${bytes.length}`;
      response.writeHead(206, { ...head, "content-range": content }).end(bytes.subarray(100));
    }
    return true;
  });
  const wanted = { name: "child", digest: undefined };
  const { digest } = await pullImage(registry, wanted, { ...into, onProgress: () => arrived.resolve() });
  expect(digest).toBe(child.digest);
  expect(ranges).toEqual([undefined, "bytes=100-"]);
  const kept = await readFile((await store.archiveFile(digest)) ?? "");
  expect(createHash("sha256").update(kept).digest("hex")).toBe(child.sha256);
});

it("a web server that takes nothing says where to push", async () => {
  const digest = `sha256:${"12".repeat(32)}`;
  const putting = (await serve()).registry.putBlob({ digest, file: root.archive, bytes: 1 });
  await expect(putting).rejects.toMatchObject({ message: expect.stringMatching(/to push needs a worker/) });
});

it("of what somebody has left half-written nothing is shown, and it goes after a day", async () => {
  const registry = await DirectoryRegistry.open(directory);
  const part = join(directory, "blobs", ".part-of-somebody");
  await writeFile(part, "half");
  folder.run(directory, ["touch", "-d", "2 days ago", part]);
  const [, , third] = chain;
  await registry.putBlob(await archiveOf(third as (typeof chain)[0]));
  expect(await readdir(join(directory, "blobs"))).not.toContain(".part-of-somebody");
});

it("parents are looked for in every registry that is known", async () => {
  const registries = [
    { name: "gone", url: "http://127.0.0.1:1/" },
    { name: "empty", directory: await temporary() },
    { name: "full", directory },
  ];
  const bringParent = parentsFrom(registries, { maxBytes: 2 ** 30, tries: TRIES });
  const image = await store.import(child.archive, { bringParent });
  expect(image.ancestors).toEqual([root.digest]);
  const lost = parentsFrom(registries.slice(1, 2), { maxBytes: 2 ** 30 });
  const other = scope.use(await ImageStore.open({ directory: await temporary(), limits: { reserveBytes: 0 } }));
  await expect(other.import(child.archive, { bringParent: lost })).rejects.toMatchObject({
    code: "image-parent-missing",
  });
});
