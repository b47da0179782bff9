/**
 * Brings archives into a store.
 *
 *   wait for others → known already? → room? → unpack into staging → digest → validate → record → rename
 *
 * Up to the rename there is nothing but a folder in staging, which goes with the import however it ends. One archive
 * is unpacked once, however many callers and processes ask for it at the same time.
 */
import { createHash } from "node:crypto";
import { rename } from "node:fs/promises";
import { SingleFlight } from "../../base/single-flight.ts";
import { syncDirectory } from "../../host/durable-file.ts";
import type { FileLocks } from "../../host/file-locks.ts";
import type { ImageLimits } from "../archive/format.ts";
import { unpackArchive } from "../archive/unpack.ts";
import { requireDiskSpace } from "../disk-space.ts";
import { ImageError } from "../errors.ts";
import { validateImage } from "../validate.ts";
import type { ZstdCodec } from "../zstd/codec.ts";
import { type ArchiveSource, keyHash } from "./archive-source.ts";
import { writeRecord } from "./image.ts";
import type { StoreLayout } from "./layout.ts";
import type { ImageDigest } from "./reference.ts";

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
   */
  bringParent?: ((digest: ImageDigest, signal: AbortSignal) => Promise<ParentSource>) | undefined;
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
  import(source: ArchiveSource, options: ImportOptions): Promise<string> {
    const key = source.key ?? `stream ${crypto.randomUUID()}`;
    return this.#flights.run(
      `${source.sha256 ?? ""} ${key}`,
      (signal, report) => this.#import(source, key, signal, report),
      options,
    );
  }

  async #import(
    source: ArchiveSource,
    key: string,
    signal: AbortSignal,
    report: (progress: ImportProgress) => void,
  ): Promise<string> {
    await using _lock = await this.#locks.acquire(`import-${keyHash(key)}`, { signal });
    const known = source.sha256 ?? (await this.tryFind(key));
    if (known !== undefined && (await this.#layout.hasBlob(known))) return known;

    const { bytes: totalBytes = 0 } = source;
    await requireDiskSpace(this.#layout.directory, totalBytes, this.#limits.reserveBytes);
    await using staging = await this.#layout.makeStaging();
    const hash = createHash("sha256");
    let doneBytes = 0;
    async function* hashed(): AsyncGenerator<Uint8Array> {
      for await (const chunk of source.open(signal)) {
        hash.update(chunk);
        doneBytes += chunk.length;
        yield chunk;
        report({ doneBytes, totalBytes: source.bytes });
      }
    }
    const zstd = await this.#chooseZstd();
    const files = await unpackArchive(hashed(), staging.path, { zstd, limits: this.#limits, signal });
    const sha256 = hash.digest("hex");
    if (source.sha256 !== undefined && source.sha256 !== sha256) throw digestMismatch(source.sha256, sha256);
    await validateImage(staging.path, files, this.#limits);
    signal.throwIfAborted();
    await writeRecord(staging.path, {
      version: 1,
      digest: `sha256:${sha256}`,
      created: new Date().toISOString(),
      archiveBytes: doneBytes,
      files: [...files].sort(),
    });
    await this.#publish(staging.path, sha256);
    if (source.key !== undefined) await this.#remember(key, sha256);
    return sha256;
  }

  /** The digest an earlier import of this key had. Whether the image is still there is another question. */
  async tryFind(key: string): Promise<string | undefined> {
    return await this.#layout.tryRead(this.#layout.path("sources", keyHash(key)));
  }

  async #remember(key: string, sha256: string): Promise<void> {
    await this.#layout.writeAtomically(this.#layout.path("sources", keyHash(key)), `${sha256}\n`);
  }

  async #publish(directory: string, sha256: string): Promise<void> {
    await using _lock = await this.#locks.acquire(`image-${sha256}`);
    // The same archive may have come another way meanwhile.
    if (await this.#layout.hasBlob(sha256)) return;
    await rename(directory, this.#layout.path("blobs", sha256));
    await syncDirectory(this.#layout.path("blobs"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#flights[Symbol.asyncDispose]();
  }
}

function digestMismatch(expected: string, actual: string): ImageError {
  return new ImageError(
    "image-digest-mismatch",
    `the archive has the digest sha256:${actual}, not sha256:${expected} as was asked for`,
    { blame: "task", details: { expected, actual } },
  );
}
