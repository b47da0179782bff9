/**
 * The images of one host: content-addressed by the digest of their archive, with names beside them.
 *
 * Several processes may use one store at once, and any of them may be killed at any point. *Owns* running imports;
 * leases are owned by who acquired them and may outlive this object.
 */
import { rename, rm, stat, utimes } from "node:fs/promises";
import { join, resolve } from "node:path";
import { type Logger, silentLogger } from "../../base/log.ts";
import { ignoreMissing } from "../../host/durable-file.ts";
import { FileLocks } from "../../host/file-locks.ts";
import { DEFAULT_LIMITS, type ImageLimits } from "../archive/format.ts";
import { ImageError } from "../errors.ts";
import { chooseZstd } from "../zstd/choose-zstd.ts";
import type { ZstdCodec } from "../zstd/codec.ts";
import { type ArchiveSource, fileSource } from "./archive-source.ts";
import { findChildren, hasChildren } from "./children.ts";
import { type ExportedArchive, type ExportOptions, exportImage } from "./export.ts";
import { type Image, LAST_USED_FILE, readImage } from "./image.ts";
import { ImageLease } from "./image-lease.ts";
import { Importer, type ImportOptions } from "./importer.ts";
import { StoreLayout } from "./layout.ts";
import { beginLease, liveLeases } from "./leases.ts";
import { parentDisk } from "./parent.ts";
import { addPin, livePins } from "./pins.ts";
import { reclaimStore } from "./reclaim.ts";
import { type ImageDigest, parseReference, requireTagName, sha256Of } from "./reference.ts";
import { ImageSnapshots, type SnapshotEntry } from "./snapshots.ts";

export interface ImageStoreOptions {
  /** Made if it is not there. */
  directory: string;
  limits?: Partial<ImageLimits>;
  /** Default: the best one of this host. */
  zstd?: ZstdCodec;
  logger?: Logger;
}

interface Settings {
  limits: ImageLimits;
  /** Called when it is needed. */
  chooseZstd: () => Promise<ZstdCodec>;
}

export class ImageStore implements AsyncDisposable {
  readonly #layout: StoreLayout;
  readonly #locks: FileLocks;
  readonly #settings: Settings;
  readonly #importer: Importer;

  private constructor(layout: StoreLayout, locks: FileLocks, settings: Settings) {
    this.#layout = layout;
    this.#locks = locks;
    this.#settings = settings;
    this.#importer = new Importer({ layout, locks, ...settings });
  }

  /** Opens a store and removes what processes that died left in it. */
  static async open({ directory, limits, zstd, logger = silentLogger }: ImageStoreOptions): Promise<ImageStore> {
    // Overlays carry the path of their base; it must not depend on who reads it.
    const layout = await StoreLayout.create(resolve(directory));
    const locks = new FileLocks(layout.path("locks"));
    const removed = await reclaimStore(layout, locks);
    if (removed > 0) logger.log("info", "removed what interrupted imports had left", { directory, removed });
    return new ImageStore(layout, locks, {
      limits: { ...DEFAULT_LIMITS, ...limits },
      chooseZstd: zstd === undefined ? chooseZstd : async () => zstd,
    });
  }

  /**
   * Unpacks and validates an archive, unless it is here already.
   *
   * @param source Path of an archive, or where else it comes from.
   * @throws {@link ImageError}, {@link ZstdError}, {@link InvalidInputError} for what is wrong with it;
   *   `signal.reason` if the signal fired. Nothing of it is left then.
   */
  async import(source: string | ArchiveSource, options: ImportOptions & { tag?: string } = {}): Promise<Image> {
    const { tag, ...importOptions } = options;
    if (tag !== undefined) requireTagName(tag);
    const archive = typeof source === "string" ? await fileSource(source) : source;
    const sha256 = await this.#importer.import(archive, importOptions);
    if (tag !== undefined) await this.tag(`sha256:${sha256}`, tag);
    return await this.inspect(`sha256:${sha256}`);
  }

  /** Every image, the most recently used first. */
  async list(): Promise<Image[]> {
    const tags = await this.#tags();
    const images: Image[] = [];
    for (const sha256 of await this.#layout.names("blobs")) {
      // One that is removed meanwhile is no longer in the list.
      const image = await this.#tryRead(sha256, tags);
      if (image !== undefined) images.push(image);
    }
    return images.sort((a, b) => b.lastUsed.getTime() - a.lastUsed.getTime());
  }

  /**
   * @param reference A name, `sha256:…`, or at least the first 6 digits of a digest.
   * @throws {@link ImageError} `image-not-found`, `image-ambiguous`, `image-reference-invalid`.
   */
  async inspect(reference: string): Promise<Image> {
    const sha256 = await this.#resolve(reference);
    const image = await this.#tryRead(sha256, await this.#tags());
    if (image === undefined) throw notFound(reference);
    return image;
  }

  /** undefined: somebody has removed it. */
  async #tryRead(sha256: string, tags: ReadonlyMap<string, string>): Promise<Image | undefined> {
    try {
      return await readImage(this.#layout, sha256, namesOf(tags, sha256));
    } catch (error) {
      if (await this.#layout.hasBlob(sha256)) throw error;
      return undefined;
    }
  }

  /** Whether an image with this digest is here. */
  async has(sha256: string): Promise<boolean> {
    return await this.#layout.hasBlob(sha256);
  }

  /** Digest of the image that a source with this key was when it was last imported, if it is here. */
  async find(key: string): Promise<string | undefined> {
    const sha256 = await this.#importer.tryFind(key);
    return sha256 !== undefined && (await this.has(sha256)) ? `sha256:${sha256}` : undefined;
  }

  /** The archive an image came from; undefined if it is not kept. @throws {@link ImageError} as {@link inspect}. */
  async archiveFile(reference: string): Promise<string | undefined> {
    const sha256 = await this.#resolve(reference);
    return (await this.#layout.hasArchive(sha256)) ? this.#layout.archiveFile(sha256) : undefined;
  }

  /**
   * Writes an image as an archive: the very one it came from, where that is kept, else one that is packed anew.
   *
   * @throws {@link ImageError} as {@link inspect}; `signal.reason`.
   */
  async export(reference: string, targetFile: string, options: ExportOptions = {}): Promise<ExportedArchive> {
    await using lease = await this.acquire(reference);
    const { image } = lease;
    const parent = image.parent && parentDisk(await this.inspect(image.parent));
    const archiveFile = await this.archiveFile(image.digest);
    const { limits, chooseZstd } = this.#settings;
    return await exportImage({ image, parent, archiveFile }, targetFile, {
      ...options,
      limits,
      zstd: await chooseZstd(),
    });
  }

  /** The images below an image, its parent first. */
  async ancestors({ ancestors }: Image): Promise<Image[]> {
    return await Promise.all(ancestors.map((digest) => this.inspect(digest)));
  }

  /** Gives an image a name, which another image may lose by that. */
  async tag(reference: string, name: string): Promise<void> {
    requireTagName(name);
    const sha256 = await this.#resolve(reference);
    await using _lock = await this.#lockImage(sha256);
    await this.#layout.writeAtomically(this.#layout.path("tags", name), `sha256:${sha256}\n`);
  }

  /**
   * Forgets the archive an image came from. Whoever reads it at the moment can read it to its end.
   *
   * @returns what that has freed on the disk.
   */
  async removeArchive(reference: string): Promise<{ freedBytes: number }> {
    const sha256 = await this.#resolve(reference);
    await using _lock = await this.#lockImage(sha256);
    const stats = await stat(this.#layout.archiveFile(sha256)).catch(ignoreMissing);
    await rm(this.#layout.archiveFile(sha256), { force: true });
    return { freedBytes: (stats?.blocks ?? 0) * 512 };
  }

  /**
   * Removes an image with all its names; of an image with several names, a reference by name removes this name only.
   *
   * @throws {@link ImageError} `image-in-use` while anybody holds a lease on it, in any process, or another image lies
   *   on it.
   */
  async remove(reference: string): Promise<{ removedTags: string[]; removedImage: boolean }> {
    const sha256 = await this.#resolve(reference);
    await using staging = await this.#layout.makeStaging();
    await using _lock = await this.#lockImage(sha256);
    const names = namesOf(await this.#tags(), sha256);
    if (names.length > 1 && names.includes(reference)) {
      await rm(this.#layout.path("tags", reference), { force: true });
      return { removedTags: [reference], removedImage: false };
    }
    const leases = await liveLeases(this.#layout, sha256);
    if (leases.length > 0) {
      const users = leases.length === 1 ? "a machine uses it" : `${leases.length} machines use it`;
      throw new ImageError("image-in-use", `the image ${reference} cannot be removed while ${users}`, {
        blame: "task",
        details: { leases: leases.length },
      });
    }
    const pins = await livePins(this.#layout, sha256);
    if (pins.length > 0) {
      const users =
        pins.length === 1 ? "a machine or snapshot lies on it" : `${pins.length} machines or snapshots lie on it`;
      throw new ImageError("image-in-use", `the image ${reference} cannot be removed while ${users}`, {
        blame: "task",
        details: { pins },
      });
    }
    // After the leases: whoever imports a child holds one until the child is there.
    const children = await findChildren(this.#layout, sha256);
    if (children.length > 0) throw hasChildren(reference, await this.#callThem(children));
    for (const name of names) await rm(this.#layout.path("tags", name), { force: true });
    await rename(this.#layout.archiveFile(sha256), join(staging.path, "archive")).catch(ignoreMissing);
    await rm(this.#layout.signatureFile(sha256), { force: true });
    await rename(this.#layout.path("blobs", sha256), join(staging.path, sha256));
    await rename(this.#layout.path("snapshots", sha256), join(staging.path, "snapshots")).catch(ignoreMissing);
    await rm(this.#layout.path("leases", sha256), { recursive: true, force: true });
    await rm(this.#layout.path("pins", sha256), { recursive: true, force: true });
    return { removedTags: names, removedImage: true };
  }

  /** The right to use an image; dispose it when no machine needs it any more. */
  async acquire(reference: string): Promise<ImageLease> {
    const sha256 = await this.#resolve(reference);
    await using _lock = await this.#lockImage(sha256);
    const image = await readImage(this.#layout, sha256, namesOf(await this.#tags(), sha256));
    await this.#noteUse(image);
    return new ImageLease(image, this.#snapshots(sha256), await beginLease(this.#layout, sha256));
  }

  /** Of all that it lies on, too: who uses an image uses those. */
  async #noteUse({ digest, ancestors }: Image): Promise<void> {
    const now = new Date();
    for (const used of [digest, ...ancestors]) {
      if (!(await this.#layout.hasBlob(sha256Of(used)))) throw brokenChain(digest, used);
      await utimes(this.#layout.path("blobs", sha256Of(used), LAST_USED_FILE), now, now);
    }
  }

  /**
   * Keeps an image in the store for as long as there is something at `path`, which lies on it. Made before that is,
   * under a lease.
   *
   * @param key Unique among all that pin images, such as the id of a machine.
   * @param path Absolute.
   */
  async pin(reference: string, { key, path }: { key: string; path: string }): Promise<void> {
    const sha256 = await this.#resolve(reference);
    await using _lock = await this.#lockImage(sha256);
    await addPin(this.#layout, sha256, key, path);
  }

  /** What machines have been captured after they booted from an image. */
  async listSnapshots({ digest }: Image): Promise<SnapshotEntry[]> {
    return await this.#snapshots(digest.slice("sha256:".length)).list();
  }

  /** A name of each, or the start of its digest. */
  async #callThem(images: readonly string[]): Promise<string[]> {
    const tags = await this.#tags();
    return images.map((sha256) => namesOf(tags, sha256)[0] ?? sha256.slice(0, 12));
  }

  #snapshots(sha256: string): ImageSnapshots {
    return new ImageSnapshots(this.#layout, this.#locks, sha256);
  }

  /** Aborts the imports that run, and waits until nothing of them is left. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#importer[Symbol.asyncDispose]();
  }

  /** The lock under which an image is removed, so that it stays while it is held. */
  async #lockImage(sha256: string): Promise<AsyncDisposable> {
    const lock = await this.#locks.acquire(`image-${sha256}`);
    if (await this.#layout.hasBlob(sha256)) return lock;
    await lock[Symbol.asyncDispose]();
    throw notFound(`sha256:${sha256}`);
  }

  async #resolve(reference: string): Promise<string> {
    const { name, digestPrefix } = parseReference(reference);
    if (name !== undefined) {
      const digest = await this.#layout.tryRead(this.#layout.path("tags", name));
      const sha256 = digest?.slice("sha256:".length);
      if (sha256 !== undefined && (await this.#layout.hasBlob(sha256))) return sha256;
    }
    const matches =
      digestPrefix === undefined
        ? []
        : (await this.#layout.names("blobs")).filter((sha256) => sha256.startsWith(digestPrefix));
    if (matches.length > 1) {
      throw new ImageError(
        "image-ambiguous",
        `${reference} is the start of ${matches.length} digests; write more of it`,
        {
          blame: "task",
        },
      );
    }
    if (matches[0] === undefined) throw notFound(reference);
    return matches[0];
  }

  /** Name → sha256. */
  async #tags(): Promise<Map<string, string>> {
    const tags = new Map<string, string>();
    for (const name of await this.#layout.names("tags")) {
      const digest = await this.#layout.tryRead(this.#layout.path("tags", name));
      if (digest !== undefined) tags.set(name, digest.slice("sha256:".length));
    }
    return tags;
  }
}

function namesOf(tags: ReadonlyMap<string, string>, sha256: string): string[] {
  return [...tags].filter(([, digest]) => digest === sha256).map(([name]) => name);
}

function notFound(reference: string): ImageError {
  return new ImageError(
    "image-not-found",
    `there is no image ${JSON.stringify(reference)} here; "boxcar image list" shows which there are`,
    { blame: "task" },
  );
}

/** Nothing here removes an image on which another one lies. */
function brokenChain(digest: ImageDigest, missing: ImageDigest): ImageError {
  return new ImageError(
    "image-parent-missing",
    `${digest} lies on ${missing}, which somebody has removed from the store by hand; import that one again`,
    { blame: "host", details: { parent: missing } },
  );
}
