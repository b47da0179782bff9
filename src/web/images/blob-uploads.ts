/**
 * Archives that clients send. Each is unpacked and checked while it comes; nothing is left of one that is refused, cut
 * off, or not what its address says.
 */
import type { IncomingMessage } from "node:http";
import { orTimeout } from "../../base/abort.ts";
import { formatBytes } from "../../base/units.ts";
import { imageDocument } from "../../image/document.ts";
import type { ImageSignatures } from "../../image/signatures/image-signatures.ts";
import type { ImageStore } from "../../image/store/image-store.ts";
import { ApiError } from "../api/api-error.ts";
import { liftBodyLimit } from "../server/body-limit.ts";

export const ARCHIVE_TYPE = "application/zstd";

/** On average: there are few places, and nobody is to keep one with a byte a minute. */
const MIN_BYTES_PER_SECOND = 1_024;

export interface BlobUploadsOptions {
  maxArchiveBytes: number;
  /** At once; default 4. */
  maxRunning?: number;
  /** Silence that ends an upload; default 60 s. */
  stallMs?: number;
}

export class BlobUploads {
  readonly #images: ImageStore;
  readonly #signatures: ImageSignatures;
  readonly #options: Required<BlobUploadsOptions>;
  readonly #running = new Set<string>();

  constructor(images: ImageStore, signatures: ImageSignatures, options: BlobUploadsOptions) {
    this.#images = images;
    this.#signatures = signatures;
    this.#options = { maxRunning: 4, stallMs: 60_000, ...options };
  }

  /** @throws {ApiError}, {ImageError} */
  async take(digest: `sha256:${string}`, request: IncomingMessage, signal: AbortSignal) {
    this.#checkHeaders(digest, request);
    if (request.headers["if-none-match"] === "*" && (await this.#isKept(digest))) {
      throw new ApiError(412, "precondition-failed", `${digest} is here already`);
    }
    this.#begin(digest);
    liftBodyLimit(request);
    try {
      const bytes = lengthOf(request);
      const source = { key: undefined, bytes, sha256: digest.slice("sha256:".length), open: () => this.#read(request) };
      const image = await this.#images.import(source, { keepArchive: true, signal });
      return imageDocument(image, { signature: await this.#signatures.tryRead(digest) });
    } catch (error) {
      // A connection that breaks ends the import in many ways.
      signal.throwIfAborted();
      throw error;
    } finally {
      this.#running.delete(digest);
    }
  }

  async #isKept(digest: string): Promise<boolean> {
    if (!(await this.#images.has(digest.slice("sha256:".length)))) return false;
    return (await this.#images.archiveFile(digest)) !== undefined;
  }

  #checkHeaders(digest: string, request: IncomingMessage): void {
    const { maxArchiveBytes } = this.#options;
    if ((lengthOf(request) ?? 0) > maxArchiveBytes) throw tooLarge(maxArchiveBytes);
    const said = request.headers["content-digest"];
    if (said === undefined) return;
    const [, sha256] = /(?:^|,)\s*sha-256=:([A-Za-z0-9+/]{43}=):/.exec(String(said)) ?? [];
    if (sha256 === undefined || `sha256:${Buffer.from(sha256, "base64").toString("hex")}` === digest) return;
    throw new ApiError(400, "digest-mismatch", `Content-Digest speaks of another archive than ${digest}`);
  }

  #begin(digest: string): void {
    const again = { "Retry-After": "5" };
    if (this.#running.has(digest)) {
      const message = `${digest} is being sent by somebody else; try again later`;
      throw new ApiError(409, "upload-under-way", message, undefined, again);
    }
    if (this.#running.size >= this.#options.maxRunning) {
      const message = `${this.#running.size} archives are being sent already; try again later`;
      throw new ApiError(429, "too-many-uploads", message, undefined, again);
    }
    this.#running.add(digest);
  }

  async *#read(request: IncomingMessage): AsyncGenerator<Uint8Array> {
    const { maxArchiveBytes, stallMs } = this.#options;
    const stalled = (what: string) => new ApiError(408, "upload-stalled", `${what}; send it again`);
    const silent = () => stalled(`nothing came for ${stallMs / 1_000} s`);
    const body = (request as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
    let done = 0;
    // Only what the client takes: what is done with it here may be slow.
    let waitedMs = 0;
    for (;;) {
      const begin = performance.now();
      const next = await orTimeout(body.next(), stallMs, silent);
      waitedMs += performance.now() - begin;
      if (next.done === true) return;
      done += next.value.length;
      if (waitedMs > stallMs && done * 1_000 < waitedMs * MIN_BYTES_PER_SECOND) throw stalled("it came too slowly");
      if (done > maxArchiveBytes) throw tooLarge(maxArchiveBytes);
      yield next.value;
    }
  }
}

function tooLarge(maxArchiveBytes: number): ApiError {
  return new ApiError(413, "too-large", `an archive may have ${formatBytes(maxArchiveBytes)} here`);
}

function lengthOf({ headers }: IncomingMessage): number | undefined {
  const length = headers["content-length"];
  return length === undefined ? undefined : Number(length);
}
