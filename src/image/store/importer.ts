/**
 * Brings archives into a store.
 *
 *   wait for others → known already? → room? → unpack into staging → digest → parent → validate → record → rename
 *
 * Up to the rename there is nothing but what is in staging, which goes with the import however it ends. One archive
 * is unpacked once, however many callers and processes ask for it at the same time.
 *
 * An import waits for others in two ways, and never in a circle. Who is asked for by somebody waits for the same bytes
 * from the same source: a source that never gets done must not hold up those who have these bytes from elsewhere. A
 * parent waits for the same bytes, wherever they come from. An import holds its own lock while it brings its parent, and
 * is not read before its own bytes have been checked: so whoever is waited for lies below whoever waits.
 */
import { createHash } from "node:crypto";
import { rename } from "node:fs/promises";
import { Scope } from "../../base/scope.ts";
import { SingleFlight } from "../../base/single-flight.ts";
import { formatBytes } from "../../base/units.ts";
import { syncDirectory } from "../../host/durable-file.ts";
import type { FileLocks } from "../../host/file-locks.ts";
import { type ImageLimits, maxArchiveBytes } from "../archive/format.ts";
import { unpackArchive } from "../archive/unpack.ts";
import { requireDiskSpace } from "../disk-space.ts";
import { ImageError } from "../errors.ts";
import { parentMissing, parentOf, readProvenance, validateImage } from "../validate.ts";
import type { ZstdCodec } from "../zstd/codec.ts";
import { ArchiveKeeper } from "./archive-keeper.ts";
import { type ArchiveSource, keyHash } from "./archive-source.ts";
import { requireChainLength } from "./chain.ts";
import { writeRecord } from "./image.ts";
import type { StoreLayout } from "./layout.ts";
import { type HeldParent, holdParent, linkParent } from "./parent.ts";
import { type ImageDigest, sha256Of } from "./reference.ts";

export interface ImportProgress {
  /** Bytes of the archive. */
  doneBytes: number;
  /** undefined where its length is not known. */
  totalBytes: number | undefined;
}

export interface ImportOptions {
  signal?: AbortSignal | undefined;
  /** Keeps the archive too, so that export and push give these very bytes. Default: no. */
  keepArchive?: boolean | undefined;
  /**
   * Where the archive of a parent comes from that is not in the store. The store opens, checks and disposes the source;
   * its parents are brought the same way. Left out: the import of an image whose parent is not here fails.
   *
   * @param digest `sha256:…`. Other bytes than these are refused, whatever the source says.
   * @param signal Of the import, which goes on as long as anybody waits for it, not of this caller.
   */
  bringParent?: ((digest: ImageDigest, signal: AbortSignal) => Promise<ParentSource>) | undefined;
  /** Told of parents too, one after the other. */
  onProgress?: ((progress: ImportProgress) => void) | undefined;
}

/** Such as a download, which ends with its disposal. */
export type ParentSource = ArchiveSource & Partial<AsyncDisposable>;

interface ImporterOptions {
  layout: StoreLayout;
  locks: FileLocks;
  limits: ImageLimits;
  /** Called for each import: whoever imports nothing does not ask what this host has. */
  chooseZstd: () => Promise<ZstdCodec>;
}

/** One import, as the first who asked for it wants it. */
interface Job {
  source: ArchiveSource;
  /** Of the source, or one of its own. */
  key: string;
  keepArchive: boolean;
  bringParent: ImportOptions["bringParent"];
  /** How many images this one is brought for; 0: it is wanted itself. */
  above: number;
}

export class Importer implements AsyncDisposable {
  readonly #layout: StoreLayout;
  readonly #locks: FileLocks;
  readonly #limits: ImageLimits;
  readonly #chooseZstd: () => Promise<ZstdCodec>;
  readonly #flights = new SingleFlight<string, ImportProgress>();

  constructor({ layout, locks, limits, chooseZstd }: ImporterOptions) {
    this.#layout = layout;
    this.#locks = locks;
    this.#limits = limits;
    this.#chooseZstd = chooseZstd;
  }

  /** Resolves with the sha256 of the archive, which is in the store by then. */
  async import(source: ArchiveSource, options: ImportOptions): Promise<string> {
    return await this.#join(source, options, 0);
  }

  #join(source: ArchiveSource, options: ImportOptions, above: number): Promise<string> {
    const { keepArchive = false, bringParent } = options;
    const key = source.key ?? `stream ${crypto.randomUUID()}`;
    return this.#flights.run(
      `${keepArchive ? "keep" : "use"} ${source.sha256 ?? ""} ${key}`,
      (signal, report) => this.#import({ source, key, keepArchive, bringParent, above }, signal, report),
      options,
    );
  }

  async #import(job: Job, signal: AbortSignal, report: (progress: ImportProgress) => void): Promise<string> {
    const { source, key, keepArchive } = job;
    await using _lock = await this.#locks.acquire(lockOf(job), { signal });
    const known = source.sha256 ?? (await this.tryFind(key));
    if (known !== undefined && (await this.#hasAll(known, keepArchive))) return known;

    await source.prepare?.(signal);
    const { bytes: totalBytes = 0 } = source;
    this.#requireArchiveBytes(totalBytes);
    await requireDiskSpace(
      this.#layout.directory,
      keepArchive ? 2 * totalBytes : totalBytes,
      this.#limits.reserveBytes,
    );
    await using staging = await this.#layout.makeStaging();
    await using kept = keepArchive ? await ArchiveKeeper.begin(this.#layout, this.#limits.reserveBytes) : undefined;
    const hash = createHash("sha256");
    let doneBytes = 0;
    const requireArchiveBytes = (bytes: number) => this.#requireArchiveBytes(bytes);
    async function* hashed(): AsyncGenerator<Uint8Array> {
      for await (const chunk of source.open(signal)) {
        doneBytes += chunk.length;
        requireArchiveBytes(doneBytes);
        hash.update(chunk);
        await kept?.write(chunk);
        yield chunk;
        report({ doneBytes, totalBytes: source.bytes });
      }
    }
    const zstd = await this.#chooseZstd();
    const files = await unpackArchive(hashed(), staging.path, { zstd, limits: this.#limits, signal });
    const sha256 = hash.digest("hex");
    if (source.sha256 !== undefined && source.sha256 !== sha256) throw digestMismatch(source.sha256, sha256);
    const parentDigest = parentOf(await readProvenance(staging.path, files)) as ImageDigest | undefined;
    await using parent = parentDigest && (await this.#holdParent(parentDigest, job, signal, report));
    if (parent !== undefined) {
      requireChainLength(parent.ancestors.length + 1);
      await linkParent(staging.path, parent.ancestors[0].digest);
    }
    await validateImage(staging.path, files, this.#limits, { parent: parent?.disk, signal });
    signal.throwIfAborted();
    await writeRecord(staging.path, {
      version: 1,
      digest: `sha256:${sha256}`,
      created: new Date().toISOString(),
      archiveBytes: doneBytes,
      files: [...files].sort(),
      ...(parent === undefined ? {} : { ancestors: parent.ancestors }),
    });
    await this.#publish(staging.path, sha256, kept);
    if (source.key !== undefined) await this.#remember(key, sha256);
    return sha256;
  }

  /** What unpacks to nothing, such as empty blocks, has no end that the limits of unpacking could find. */
  #requireArchiveBytes(bytes: number): void {
    const maxBytes = maxArchiveBytes(this.#limits);
    if (bytes <= maxBytes) return;
    throw new ImageError(
      "archive-too-large",
      `the archive is longer than the ${formatBytes(maxBytes)} that an image may unpack to`,
      { details: { maxBytes } },
    );
  }

  /** The digest an earlier import of this key had. Whether the image is still there is another question. */
  async tryFind(key: string): Promise<string | undefined> {
    return await this.#layout.tryRead(this.#layout.path("sources", keyHash(key)));
  }

  async #hasAll(sha256: string, withArchive: boolean): Promise<boolean> {
    return (await this.#layout.hasBlob(sha256)) && (!withArchive || (await this.#layout.hasArchive(sha256)));
  }

  async #remember(key: string, sha256: string): Promise<void> {
    await this.#layout.writeAtomically(this.#layout.path("sources", keyHash(key)), `${sha256}\n`);
  }

  /** The parent, which stays in the store until it is given back; fetched if it is not there. */
  async #holdParent(
    digest: ImageDigest,
    job: Job,
    signal: AbortSignal,
    report: (progress: ImportProgress) => void,
  ): Promise<HeldParent> {
    const { above } = job;
    // How long a chain is shows only at its end: what is brought for the sixteenth image is one too many.
    requireChainLength(above + 2);
    const bring = () => this.#bringParent(digest, job, { signal, onProgress: report });
    return await holdParent(this.#layout, this.#locks, digest, bring);
  }

  async #bringParent(
    digest: ImageDigest,
    { bringParent, keepArchive, above }: Job,
    { signal, onProgress }: { signal: AbortSignal; onProgress: (progress: ImportProgress) => void },
  ): Promise<void> {
    if (bringParent === undefined) throw parentMissing(digest);
    await using scope = new Scope();
    const source = await bringParent(digest, signal);
    scope.defer(() => source[Symbol.asyncDispose]?.());
    await this.#join(exactly(source, sha256Of(digest)), { keepArchive, bringParent, signal, onProgress }, above + 1);
  }

  async #publish(directory: string, sha256: string, kept: ArchiveKeeper | undefined): Promise<void> {
    await using _lock = await this.#locks.acquire(`image-${sha256}`);
    // The same archive may have come another way meanwhile.
    if (!(await this.#layout.hasBlob(sha256))) {
      await rename(directory, this.#layout.path("blobs", sha256));
      await syncDirectory(this.#layout.path("blobs"));
    }
    await kept?.publish(sha256);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#flights[Symbol.asyncDispose]();
  }
}

/** Who brings parents the configuration has chosen; other sources a task may have named. */
function lockOf({ source: { sha256 }, key, above }: Job): string {
  if (above > 0 && sha256 !== undefined) return `import-${sha256}`;
  return `import-${keyHash(`${sha256 ?? ""} ${key}`)}`;
}

/** The same source, of which other bytes are refused. */
function exactly(source: ArchiveSource, sha256: string): ArchiveSource {
  return {
    key: source.key,
    get bytes() {
      return source.bytes;
    },
    sha256,
    prepare: async (signal) => await source.prepare?.(signal),
    open: (signal) => source.open(signal),
  };
}

function digestMismatch(expected: string, actual: string): ImageError {
  return new ImageError(
    "image-digest-mismatch",
    `the archive has the digest sha256:${actual}, not sha256:${expected} as was asked for`,
    { blame: "task", details: { expected, actual } },
  );
}
