/**
 * Files that tasks have left, over HTTP: conditions, ranges, and packed or unpacked as the client takes it.
 *
 * What is in them is the guest's doing. Where a browser shows one, it is in a sandbox of its own, without scripts; and
 * it is never a script, a style or a worker of one of our pages.
 */

import { once } from "node:events";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { basename } from "node:path";
import { pipeline, type Readable } from "node:stream";
import { pipeline as run } from "node:stream/promises";
import { createGunzip, createZstdDecompress } from "node:zlib";
import type { Request, Response } from "express";
import { codeOf } from "../../base/errors.ts";
import { ApiError } from "../api/api-error.ts";

export interface StoredFile {
  /** Absolute path. */
  readonly file: string;
  /** Its last part is what it is saved as. */
  readonly name: string;
  readonly contentType: string;
  /** How the file is packed, as in HTTP. */
  readonly contentEncoding?: string;
  /** Of the file, hex. */
  readonly sha256: string;
  /** Nothing else will ever be at this address. */
  readonly isFinal: boolean;
}

/** What a browser may do with it, where it shows it as a page. */
const PAGE_POLICY = [
  "default-src 'none'",
  "style-src 'unsafe-inline'",
  "img-src data:",
  "font-src data:",
  "media-src data:",
  "frame-ancestors 'self'",
  "sandbox",
].join("; ");

/** What a page would make a part of itself. */
const PARTS_OF_PAGES: ReadonlySet<string | undefined> = new Set(
  "audioworklet embed manifest object paintworklet script serviceworker sharedworker style worker xslt".split(" "),
);

const YEAR_S = 365 * 86_400;
const CONTENT_TYPE = /^[\w!#$&^.+-]{1,100}\/[\w!#$&^.+-]{1,100}(?:\s*;\s*[\x20-\x7e]{0,200})?$/;

const UNPACK: Readonly<Record<string, () => NodeJS.ReadWriteStream & Readable>> = {
  gzip: createGunzip,
  zstd: createZstdDecompress,
};

/** @throws {ApiError} `file-gone`, `range-not-satisfiable`, `precondition-failed`, `not-for-pages` */
export async function sendStoredFile(
  request: Request,
  response: Response,
  stored: StoredFile,
  { download = false } = {},
): Promise<void> {
  if (PARTS_OF_PAGES.has(request.get("Sec-Fetch-Dest"))) {
    throw new ApiError(403, "not-for-pages", "what tasks have left is not to be a part of a page; open it by itself");
  }
  await requireFile(stored.file);
  // A weak tag says too little to put parts together (RFC 9110, 13.1.5).
  if (request.get("If-Range")?.startsWith("W/")) delete request.headers.range;
  const { contentEncoding, sha256 } = stored;
  const unpack = contentEncoding === undefined ? undefined : UNPACK[contentEncoding];
  const isTaken = contentEncoding !== undefined && request.acceptsEncodings(contentEncoding) === contentEncoding;
  describe(response, stored, download);
  if (unpack !== undefined && !isTaken) {
    // Other bytes than those of the file, so another tag.
    response.setHeader("ETag", `"${sha256}-unpacked"`);
    return await sendUnpacked(request, response, stored.file, unpack());
  }
  response.setHeader("ETag", `"${sha256}"`);
  if (contentEncoding !== undefined) response.setHeader("Content-Encoding", contentEncoding);
  await sendAsItIs(response, stored.file);
}

function describe(response: Response, { name, contentType, contentEncoding, isFinal }: StoredFile, download: boolean) {
  // Also sets a type, which the next line replaces.
  if (download) response.attachment(basename(name));
  response.setHeader("Content-Type", CONTENT_TYPE.test(contentType) ? contentType : "application/octet-stream");
  response.set({
    "Cache-Control": isFinal ? `private, max-age=${YEAR_S}, immutable` : "private, no-cache",
    "Content-Security-Policy": PAGE_POLICY,
    "X-Content-Type-Options": "nosniff",
  });
  if (contentEncoding !== undefined) response.vary("Accept-Encoding");
}

async function requireFile(file: string): Promise<void> {
  const found = await stat(file).catch((error: unknown) => {
    if (codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR") return undefined;
    throw error;
  });
  if (found?.isFile()) return;
  throw new ApiError(410, "file-gone", "its content is not on the host any more; run the task again");
}

/** The whole of it or a part; several parts at once are answered with the whole, which is allowed. */
async function sendAsItIs(response: Response, file: string): Promise<void> {
  const sent = Promise.withResolvers<void>();
  const options = { acceptRanges: true, cacheControl: false, etag: false, lastModified: false, dotfiles: "allow" };
  response.sendFile(file, options as object, (error?: Error) => (error ? sent.reject(error) : sent.resolve()));
  try {
    await sent.promise;
  } catch (error) {
    // A client that has hung up is nobody to tell.
    if (codeOf(error) === "ECONNABORTED" || response.destroyed) return;
    throw response.headersSent ? error : asApiError(error, response);
  }
}

function asApiError(error: unknown, response: Response): unknown {
  const status = typeof error === "object" && error !== null && "status" in error ? error.status : undefined;
  const range = response.getHeader("Content-Range");
  // They spoke of the file.
  for (const name of response.getHeaderNames()) {
    if (/^(?:content-(?:type|encoding|length|range|disposition)|etag|accept-ranges|vary)$/.test(name)) {
      response.removeHeader(name);
    }
  }
  if (status === 416) {
    const headers = typeof range === "string" ? { "Content-Range": range } : {};
    return new ApiError(416, "range-not-satisfiable", "there is nothing in that range", undefined, headers);
  }
  if (status === 412) return new ApiError(412, "precondition-failed", "the content is another one than you name");
  return error;
}

/** Always the whole: where a part begins is known only when all before it has been unpacked. */
async function sendUnpacked(
  request: Request,
  response: Response,
  file: string,
  unpack: NodeJS.ReadWriteStream & Readable,
): Promise<void> {
  response.setHeader("Accept-Ranges", "none");
  if (request.fresh) {
    response.removeHeader("Content-Type");
    response.status(304).end();
    return;
  }
  if (request.method === "HEAD") {
    response.end();
    return;
  }
  const body = pipeline(createReadStream(file), unpack, () => {});
  // A file that cannot be read is answered as a failure.
  await once(body, "readable");
  try {
    await run(body, response);
  } catch (error) {
    if (!request.socket.destroyed) throw error;
  }
}
