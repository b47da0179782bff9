/** What every registry does, whatever it is kept in. */
import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Scope } from "../../src/base/scope.ts";
import { pullImage } from "../../src/image/registry/pull.ts";
import { pushImage } from "../../src/image/registry/push.ts";
import type { Registry } from "../../src/image/registry/registry.ts";
import { ImageSignatures } from "../../src/image/signatures/image-signatures.ts";
import { SignaturePolicy } from "../../src/image/signatures/signature-policy.ts";
import { ImageStore } from "../../src/image/store/image-store.ts";
import { signImage, verifiedKeys } from "../../src/signing/image-signature.ts";
import { generateKeys, keyId, parsePrivateKey, parsePublicKey } from "../../src/signing/keys.ts";
import { ArchiveFolder } from "../integration/image/archives.ts";
import { type ChainedArchive, makeChain } from "../integration/image/chains.ts";

export interface OpenedRegistry {
  /** Where images are pushed; empty. */
  readonly target: Registry;
  /** Where they are pulled: the same, or something that shows the same. */
  readonly source: Registry;
}

const pair = generateKeys();
const key = { secret: parsePrivateKey(pair.privatePem), open: parsePublicKey(pair.publicPem, "it") };
const stranger = parsePrivateKey(generateKeys().privatePem);
const ANYTHING = new SignaturePolicy([]);
const SIGNED = new SignaturePolicy([key.open]);
const MAX_BYTES = 1_024 * 1_024 * 1_024;

export function describeRegistry(name: string, open: (scope: Scope) => Promise<OpenedRegistry>): void {
  describe(`a registry: ${name}`, () => {
    const scope = new Scope();
    const folder = new ArchiveFolder();
    let root: ChainedArchive;
    let child: ChainedArchive;
    let target: Registry;
    let source: Registry;

    beforeAll(async () => {
      scope.defer(() => folder[Symbol.dispose]());
      const [first, second] = makeChain(folder, 2);
      [root, child] = [first, second as ChainedArchive];
      ({ target, source } = await open(scope));
    });

    afterAll(() => scope[Symbol.asyncDispose]());

    /** An empty store. */
    async function openStore() {
      const directory = await mkdtemp(join(tmpdir(), "boxcar-pull-"));
      scope.defer(() => rm(directory, { recursive: true, force: true }));
      const store = scope.use(await ImageStore.open({ directory, limits: { reserveBytes: 0 } }));
      return { store, signatures: new ImageSignatures(directory), maxArchiveBytes: MAX_BYTES };
    }

    async function archiveOf({ archive, digest }: ChainedArchive) {
      return { digest, file: archive, bytes: (await readFile(archive)).length };
    }

    it("that is empty says so", async () => {
      expect(await target.tags()).toEqual([]);
      expect(await source.tag("nothing")).toBeUndefined();
      expect(await source.has(child.digest)).toBe(false);
      await expect(source.signature(child.digest)).resolves.toBeUndefined();
      await expect(source.openBlob(child.digest, { maxBytes: MAX_BYTES })).rejects.toMatchObject({
        code: "image-not-found",
      });
      const pulled = pullImage(
        source,
        { name: "nothing", digest: undefined },
        { ...(await openStore()), policy: ANYTHING },
      );
      await expect(pulled).rejects.toMatchObject({ code: "image-not-found", message: expect.stringMatching(/list/) });
    });

    it("has no name for what it does not have", async () => {
      const tag = { name: "early", digest: child.digest, bytes: 1, parents: [], created: new Date().toISOString() };
      await expect(target.putTag(tag)).rejects.toMatchObject({ blame: "task" });
      expect(await source.tag("early")).toBeUndefined();
    });

    it("takes an image with all it lies on, and gives these very bytes", async () => {
      const doneBytes: number[] = [];
      const pushed = {
        archive: await archiveOf(child),
        parents: [await archiveOf(root)],
        signatures: [signImage({ digest: child.digest, name: "child" }, key.secret)],
      };
      const onProgress = (progress: { doneBytes: number }) => void doneBytes.push(progress.doneBytes);
      expect(await pushImage(target, pushed, { tag: "child", onProgress })).toEqual({
        digest: child.digest,
        sent: [root.digest, child.digest],
      });
      expect(doneBytes).toEqual(expect.arrayContaining([pushed.archive.bytes, pushed.parents[0]?.bytes]));
      expect(await pushImage(target, pushed, { tag: "again" })).toMatchObject({ sent: [] });
      const tag = { digest: child.digest, bytes: pushed.archive.bytes, parents: [root.digest] };
      expect(await source.tags()).toMatchObject([
        { name: "again", ...tag },
        { name: "child", ...tag },
      ]);
      const signature = await source.signature(child.digest);
      expect(signature && verifiedKeys(signature, [key.open])).toEqual([keyId(key.open)]);

      const into = await openStore();
      const image = await pullImage(source, { name: "child", digest: undefined }, { ...into, policy: SIGNED });
      expect(image).toMatchObject({ digest: child.digest, tags: ["child"], ancestors: [root.digest] });
      for (const each of [root, child]) {
        const kept = await readFile((await into.store.archiveFile(each.digest)) ?? "");
        expect(createHash("sha256").update(kept).digest("hex")).toBe(each.sha256);
      }
      expect(await into.signatures.read(child.digest)).toEqual(signature);
    });

    it("gives an image by its digest, and under another name", async () => {
      const into = { ...(await openStore()), policy: ANYTHING };
      const plain = await pullImage(source, { name: undefined, digest: child.digest }, { ...into, keepArchive: false });
      expect(plain.tags).toEqual([]);
      expect(await into.store.archiveFile(child.digest)).toBeUndefined();
      const named = await pullImage(source, { name: "child", digest: child.digest }, { ...into, tag: "mine" });
      expect(named).toMatchObject({ digest: child.digest, tags: ["mine"] });
      const other = pullImage(source, { name: "child", digest: root.digest }, into);
      await expect(other).rejects.toMatchObject({ code: "image-digest-mismatch" });
    });

    it("is not asked for archives of an image that nobody who counts has signed", async () => {
      const into = { ...(await openStore()), policy: SIGNED };
      const wanted = { name: undefined, digest: root.digest };
      await expect(pullImage(source, wanted, into)).rejects.toMatchObject({ code: "image-unsigned" });
      await target.putSignature(signImage({ digest: root.digest }, stranger));
      await expect(pullImage(source, wanted, into)).rejects.toMatchObject({ code: "image-unsigned" });
      expect(await into.store.list()).toEqual([]);
      await target.putSignature(signImage({ digest: root.digest }, key.secret));
      expect(await pullImage(source, wanted, into)).toMatchObject({ digest: root.digest });
    });

    it("keeps signatures of several, and none that says something else", async () => {
      const signature = await source.signature(root.digest);
      expect(signature?.envelope.signatures).toHaveLength(2);
      const other = signImage({ digest: root.digest, name: "another-name" }, key.secret);
      await expect(target.putSignature(other)).rejects.toMatchObject({ code: "signature-conflict" });
      expect(await source.signature(root.digest)).toEqual(signature);
    });

    it("moves a name to another image", async () => {
      const pushed = { archive: await archiveOf(root), parents: [], signatures: [] };
      await pushImage(target, pushed, { tag: "again" });
      expect(await source.tag("again")).toMatchObject({ digest: root.digest, parents: [] });
      expect(await source.tags()).toMatchObject([{ name: "again", digest: root.digest }, { name: "child" }]);
    });

    it("takes names of many at once", async () => {
      const pushed = { archive: await archiveOf(root), parents: [], signatures: [] };
      await Promise.all(["n1", "n2", "n3", "n4"].map((tag) => pushImage(target, pushed, { tag })));
      expect((await source.tags()).map(({ name: each }) => each)).toEqual(["again", "child", "n1", "n2", "n3", "n4"]);
    });

    it.each(["../child", "a/b", "", ".", "..", "CHILD", "a\0b", "%2e%2e"])("has no name like %j", async (text) => {
      await expect(source.tag(text)).rejects.toMatchObject({ code: "image-reference-invalid" });
    });

    it.each(["sha256:../../tags/child", `sha256:${"A".repeat(64)}`, "sha256:", "child"])(
      "has no digest like %j",
      async (text) => {
        const refused = { code: "image-reference-invalid" };
        await expect(source.has(text)).rejects.toMatchObject(refused);
        await expect(source.signature(text)).rejects.toMatchObject(refused);
        await expect(source.openBlob(text, { maxBytes: 1 })).rejects.toMatchObject(refused);
      },
    );

    it("gives no more of an archive than it may have", async () => {
      const into = { ...(await openStore()), policy: ANYTHING, maxArchiveBytes: 100 };
      const pulled = pullImage(source, { name: "child", digest: undefined }, into);
      await expect(pulled).rejects.toMatchObject({ code: "registry-refused" });
    });

    it("takes no archive that is not what it is called", async () => {
      const file = folder.file("other", Buffer.from("other bytes"));
      const digest = `sha256:${"ef".repeat(32)}`;
      await expect(target.putBlob({ digest, file, bytes: 11 })).rejects.toThrow();
      expect(await source.has(digest)).toBe(false);
    });

    it("is left alone by who does not want to wait", async () => {
      const aborted = AbortSignal.abort(new Error("enough"));
      const into = { ...(await openStore()), policy: ANYTHING, signal: aborted };
      await expect(pullImage(source, { name: "child", digest: undefined }, into)).rejects.toThrow("enough");
    });
  });
}
