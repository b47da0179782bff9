/**
 * A registry in a folder, which any web server can serve as it is.
 *
 * Everything enters by a rename, so whatever is there is whole, for those who read it over a network too. Several may
 * push at once, also from other hosts.
 */
import { createHash } from "node:crypto";
import { mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { RegistryTag } from "../../generated/registry-tag.ts";
import { ignoreMissing, syncDirectory, writeDurably } from "../../host/durable-file.ts";
import { MAX_ENVELOPE_BYTES } from "../../signing/dsse.ts";
import {
  formatSignature,
  type ImageSignature,
  isContained,
  mergeSignatures,
  parseImageSignature,
} from "../../signing/image-signature.ts";
import { ImageError } from "../errors.ts";
import { readBounded } from "../signatures/read-bounded.ts";
import { fileSource } from "../store/archive-source.ts";
import { requireTagName } from "../store/reference.ts";
import { boundedSource } from "./bounded-source.ts";
import { blobMissing, formatDocument, MAX_TAG_BYTES, MAX_TAGS, parseTag, sha256OfDigest } from "./documents.ts";
import type { ArchiveFile, PutBlobOptions, Registry, RegistryOptions } from "./registry.ts";
import { signatureConflict } from "./signature-conflict.ts";

const LIST_FILE = "tags.json";
/** What somebody who was killed has left goes after a day: he may be on another host. */
const PART_MAX_AGE_MS = 24 * 60 * 60_000;

export class DirectoryRegistry implements Registry {
  readonly description: string;
  readonly #directory: string;

  private constructor(directory: string) {
    this.#directory = directory;
    this.description = `the registry ${directory}`;
  }

  /**
   * @param directory Absolute path.
   * @param options.create Whether it is made if it is not there.
   * @throws {@link ImageError} `registry-unusable`
   */
  static async open(directory: string, { create = false } = {}): Promise<DirectoryRegistry> {
    const found = await stat(directory).catch(ignoreMissing);
    if (found === undefined && !create) throw unusable(`there is no registry at ${directory}`);
    if (found !== undefined && !found.isDirectory()) throw unusable(`${directory} is no folder`);
    if (create) {
      for (const name of ["tags", "blobs", "signatures"]) await mkdir(join(directory, name), { recursive: true });
    }
    return new DirectoryRegistry(directory);
  }

  async tags({ signal }: RegistryOptions = {}): Promise<RegistryTag[]> {
    const files = (await readdir(join(this.#directory, "tags")).catch(ignoreMissing)) ?? [];
    const names = files.flatMap((file) => /^([a-z0-9].*)\.json$/.exec(file)?.[1] ?? []).sort();
    if (names.length > MAX_TAGS) throw unusable(`${this.description} has more than ${MAX_TAGS} names`);
    const tags: RegistryTag[] = [];
    for (const name of names) {
      signal?.throwIfAborted();
      const tag = await this.tag(name);
      if (tag !== undefined) tags.push(tag);
    }
    return tags;
  }

  async tag(name: string): Promise<RegistryTag | undefined> {
    const bytes = await readBounded(this.#tagFile(name), MAX_TAG_BYTES);
    return bytes && parseTag(bytes, name, this.description);
  }

  async signature(digest: string): Promise<ImageSignature | undefined> {
    const bytes = await readBounded(this.#signatureFile(digest), MAX_ENVELOPE_BYTES);
    return bytes && parseImageSignature(bytes, digest, `The signature of ${digest} in ${this.description}`);
  }

  async has(digest: string): Promise<boolean> {
    return (await stat(this.#blobFile(digest)).catch(ignoreMissing)) !== undefined;
  }

  async openBlob(digest: string, { maxBytes }: RegistryOptions & { maxBytes: number }) {
    const file = this.#blobFile(digest);
    if (!(await this.has(digest))) throw blobMissing(digest, this.description);
    const source = { ...(await fileSource(file)), sha256: sha256OfDigest(digest) };
    return { ...boundedSource(source, maxBytes, this.description), [Symbol.asyncDispose]: async () => {} };
  }

  async putBlob(archive: ArchiveFile, { signal, onProgress }: PutBlobOptions = {}): Promise<boolean> {
    const file = this.#blobFile(archive.digest);
    if (await this.has(archive.digest)) return false;
    await this.#removeOldParts(dirname(file));
    await this.#enter(file, async (part) => {
      const hash = createHash("sha256");
      await using target = await open(part, "wx", 0o644);
      let doneBytes = 0;
      for await (const chunk of (await fileSource(archive.file)).open(signal ?? new AbortController().signal)) {
        signal?.throwIfAborted();
        hash.update(chunk);
        await target.writeFile(chunk);
        doneBytes += chunk.length;
        onProgress?.({ doneBytes, totalBytes: archive.bytes });
      }
      if (`sha256:${hash.digest("hex")}` !== archive.digest) {
        throw new ImageError("image-digest-mismatch", `${archive.file} is not ${archive.digest}; it was changed`);
      }
      await target.sync();
    });
    return true;
  }

  async putSignature(signature: ImageSignature): Promise<void> {
    const { digest } = signature.statement;
    const before = await this.signature(digest);
    const both = mergeSignatures(before ?? signature, signature);
    if (both === undefined || !isContained(signature, both)) throw signatureConflict(digest, this.description);
    await this.#write(this.#signatureFile(digest), formatSignature(both));
  }

  async putTag(tag: RegistryTag, options: RegistryOptions = {}): Promise<void> {
    for (const digest of [tag.digest, ...tag.parents]) {
      if (!(await this.has(digest))) throw blobMissing(digest, this.description);
    }
    await this.#write(this.#tagFile(tag.name), formatDocument(tag));
    await this.#writeList(options);
  }

  /** Who comes in between lists what we have written; who has begun before us may write what is no longer so. */
  async #writeList(options: RegistryOptions): Promise<void> {
    for (let written: string | undefined; ; ) {
      const list = formatDocument(await this.tags(options));
      if (list === written) return;
      await this.#write(join(this.#directory, LIST_FILE), list);
      written = list;
    }
  }

  async #write(file: string, text: string): Promise<void> {
    await this.#enter(file, (part) => writeDurably(part, text));
  }

  async #enter(file: string, make: (part: string) => Promise<void>): Promise<void> {
    const part = join(dirname(file), `.part-${crypto.randomUUID()}`);
    try {
      await make(part);
      await rename(part, file);
    } finally {
      await rm(part, { force: true });
    }
    await syncDirectory(dirname(file));
  }

  async #removeOldParts(directory: string): Promise<void> {
    for (const name of await readdir(directory)) {
      if (!name.startsWith(".part-")) continue;
      const found = await stat(join(directory, name)).catch(ignoreMissing);
      if (found !== undefined && Date.now() - found.mtimeMs > PART_MAX_AGE_MS)
        await rm(join(directory, name), { force: true });
    }
  }

  #tagFile(name: string): string {
    return join(this.#directory, "tags", `${requireTagName(name)}.json`);
  }

  #signatureFile(digest: string): string {
    return join(this.#directory, "signatures", `${sha256OfDigest(digest)}.json`);
  }

  #blobFile(digest: string): string {
    return join(this.#directory, "blobs", `${sha256OfDigest(digest)}.tar.zst`);
  }
}

function unusable(why: string): ImageError {
  const message = `${why}; name a folder that "boxcar image push --to" has made, or the URL of a registry`;
  return new ImageError("registry-unusable", message, { blame: "task" });
}
