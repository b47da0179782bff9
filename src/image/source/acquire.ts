/** From what a task calls its image to the image itself. */
import pRetry from "p-retry";
import { codeOf, WorkerError } from "../../base/errors.ts";
import type { DownloadOptions } from "../../http/download.ts";
import { ImageError } from "../errors.ts";
import type { ArchiveSource } from "../store/archive-source.ts";
import type { Image } from "../store/image.ts";
import type { ImageLease } from "../store/image-lease.ts";
import type { ImageStore } from "../store/image-store.ts";
import type { ImportOptions } from "../store/importer.ts";
import {
  changingArchive,
  keyOf,
  localArchive,
  type RemoteArchiveOptions,
  remoteArchive,
  soleSha256,
} from "./archives.ts";
import type { ArtifactOrigin, LocatedArtifact } from "./artifact-origin.ts";
import { type Digests, hasDigest, joinDigests } from "./digests.ts";
import { admitUrl, checkAllowed, type ImageSourcePolicy } from "./policy.ts";
import { type ArtifactReference, describeReference, type ImageSpec, parseImageSpec } from "./spec.ts";

export interface AcquireImageOptions extends ImportOptions {
  policy: ImageSourcePolicy;
  /** Artifacts of the queue, as the asker may have them; left out: there is no queue. */
  origin?: ArtifactOrigin | undefined;
  /** Asked about every image before it is given, whatever its source, and wherever it was. What it throws is thrown. */
  accept?: ((image: Image) => Promise<void>) | undefined;
  /** An archive was taken into the store: the image was not there, or it could not be known that it was. */
  onImport?: ((image: Image) => void) | undefined;
  /** How downloads are tried again. */
  download?: Pick<DownloadOptions, "maxAttempts" | "backOffMs" | "stallMs"> | undefined;
}

/** What a whole process, or one command, does with every image. */
export type ImageHooks = Pick<AcquireImageOptions, "accept" | "bringParent">;

/**
 * Fetches the image if it is not in the store yet, and returns a lease on it.
 *
 * @throws {@link ImageError}, {@link DownloadError}, {@link InvalidInputError} and everything {@link ImageStore.import},
 *   the origin and `accept` throw; `signal.reason`.
 */
export async function acquireImage(
  store: ImageStore,
  spec: ImageSpec,
  options: AcquireImageOptions,
): Promise<ImageLease> {
  const lease = await leaseOf(store, spec, options);
  try {
    await options.accept?.(lease.image);
    return lease;
  } catch (error) {
    await lease[Symbol.asyncDispose]();
    throw error;
  }
}

async function leaseOf(store: ImageStore, spec: ImageSpec, options: AcquireImageOptions): Promise<ImageLease> {
  const parsed = parseImageSpec(spec);
  checkAllowed(parsed, options.policy);
  const bringing = new Bringing(store, options);
  switch (parsed.kind) {
    case "name":
      return await store.acquire(parsed.name);
    case "path":
      return await store.acquire(await bringing.import(parsed.path));
    case "url":
      return await acquireBrought(store, () => bringing.url(parsed.url, parsed.digests));
    case "artifact":
      return await acquireBrought(store, () => bringing.artifact(parsed.reference, parsed.digests));
  }
}

/** Twice, as somebody may remove it between import and lease. */
async function acquireBrought(store: ImageStore, bring: () => Promise<string>): Promise<ImageLease> {
  const digest = await bring();
  try {
    return await store.acquire(digest);
  } catch (error) {
    if (codeOf(error) !== "image-not-found") throw error;
    return await store.acquire(await bring());
  }
}

/** Each of its methods resolves with the digest of an image that is in the store. */
class Bringing {
  readonly #store: ImageStore;
  readonly #options: AcquireImageOptions;

  constructor(store: ImageStore, options: AcquireImageOptions) {
    this.#store = store;
    this.#options = options;
  }

  async import(source: string | ArchiveSource): Promise<string> {
    const { signal, onProgress, keepArchive, bringParent, onImport } = this.#options;
    const image = await this.#store.import(source, { signal, onProgress, keepArchive, bringParent });
    onImport?.(image);
    return image.digest;
  }

  async url(url: string, digests: Digests): Promise<string> {
    const { policy } = this.#options;
    return await this.#remote({
      ...{ url, id: `url ${url}`, digests, decodes: false },
      download: { admit: (target) => admitUrl(target, policy) },
    });
  }

  async artifact(reference: ArtifactReference, asked: Digests): Promise<string> {
    const located = await this.#locate(reference);
    const digests = joinDigests(asked, located.digests);
    const id = `artifact ${located.id}`;
    const known = located.isFinal || hasDigest(digests) ? await this.#known(id, digests) : undefined;
    if (known !== undefined) return known;
    if ("file" in located) {
      const facts = { id, digests, encoding: located.contentEncoding };
      return await this.import(
        await localArchive(located.file, facts).catch((error: unknown) => gone(reference, error)),
      );
    }
    const { url, headers } = located;
    const admit = this.#admissionOf(located);
    const download = { admit, ...(headers === undefined ? {} : { headers: headersFor(url, headers) }) };
    return await this.#remote({ url, id, digests, decodes: true, download }, located.isFinal);
  }

  /** @param isFinal There is only one content of this id. */
  async #remote(options: RemoteArchiveOptions, isFinal = hasDigest(options.digests)): Promise<string> {
    const archive = { ...options, download: { ...this.#options.download, ...options.download, subject: "the image" } };
    if (!isFinal && !hasDigest(options.digests)) {
      await using changing = await changingArchive(archive, this.#options.signal);
      return await this.import(changing);
    }
    return (await this.#known(options.id, options.digests)) ?? (await this.import(remoteArchive(archive)));
  }

  /** The digest of the image that has come this way before, if it is in the store. */
  async #known(id: string, digests: Digests): Promise<string | undefined> {
    const digest = await this.#digestOf(id, digests);
    if (digest === undefined || this.#options.keepArchive !== true) return digest;
    // It is there, but not as whoever asks wants it.
    return (await this.#store.archiveFile(digest)) === undefined ? undefined : digest;
  }

  async #digestOf(id: string, digests: Digests): Promise<string | undefined> {
    const sha256 = soleSha256(digests);
    if (sha256 === undefined) return await this.#store.find(keyOf(id, digests));
    return (await this.#store.has(sha256)) ? `sha256:${sha256}` : undefined;
  }

  async #locate(reference: ArtifactReference): Promise<LocatedArtifact> {
    const { origin, signal = new AbortController().signal, download = {} } = this.#options;
    if (origin === undefined) {
      const message = `${describeReference(reference)} cannot be had here: there is no queue; name the image another way`;
      throw new ImageError("image-artifact-not-found", message, { blame: "task" });
    }
    const { maxAttempts = 5, backOffMs = 500 } = download;
    return await pRetry(() => origin.locate(reference, signal), {
      retries: maxAttempts - 1,
      minTimeout: backOffMs,
      signal,
      shouldRetry: ({ error }) => error instanceof WorkerError && error.blame === "upstream",
    });
  }

  /** Where the queue itself sends who asks is right; where that leads to must be a host of the internet. */
  #admissionOf({ url, chosenBy }: { url: string; chosenBy: "queue" | "task" }): NonNullable<DownloadOptions["admit"]> {
    if (chosenBy === "task") return (target) => admitUrl(target, this.#options.policy);
    const origin = URL.parse(url)?.origin;
    return (target) => ({ publicOnly: target.origin !== origin });
  }
}

/** Where it was is nobody's business. */
function gone(reference: ArtifactReference, error: unknown): never {
  if (codeOf(error) !== "image-not-found") throw error;
  const message = `${describeReference(reference)} is not on its host any more; run the task again`;
  throw new ImageError("image-artifact-not-found", message, { blame: "task" });
}

/** Nobody else gets them. */
function headersFor(
  url: string,
  headers: () => Promise<Readonly<Record<string, string>>>,
): NonNullable<DownloadOptions["headers"]> {
  const { href } = new URL(url);
  return async (target) => (target.href === href ? await headers() : {});
}
