/** Brings what a recipe is made from to this host, and says what it is. */
import { createReadStream, createWriteStream } from "node:fs";
import { stat } from "node:fs/promises";
import { basename } from "node:path";
import { Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { DigestStream } from "../base/digest-stream.ts";
import { codeOf } from "../base/errors.ts";
import { Download, showUrl } from "../http/download.ts";
import { DiskSpaceGuard } from "../image/disk-space.ts";
import { ImageError } from "../image/errors.ts";
import type { BuildContext } from "./build-context.ts";
import type { BuildSource } from "./mutable-image.ts";
import type { RecipeSource } from "./recipe.ts";

export interface FetchedSource {
  /** Absolute path; where it comes from a file of this host it is that, and read only. */
  readonly file: string;
  readonly source: BuildSource;
}

export interface FetchOptions {
  kind: "disk" | "iso";
  /** Absolute path of the file for what is downloaded. */
  target: string;
  /** The most that is downloaded. */
  maxBytes: number;
  context: BuildContext;
}

/** Kept free on the disk of the work folder. */
const RESERVE_BYTES = 512 * 1_024 ** 2;

/** @throws {ImageError} `image-digest-mismatch`, `image-build-failed`; {@link DownloadError}; `signal.reason`. */
export async function fetchSource(source: RecipeSource, options: FetchOptions): Promise<FetchedSource> {
  return source.kind === "file" ? await openFile(source, options) : await download(source, options);
}

async function openFile(
  { path, sha256: expected }: RecipeSource & { kind: "file" },
  { kind, context }: FetchOptions,
): Promise<FetchedSource> {
  const { size } = await statFile(path);
  context.report.stage(`reading ${basename(path)}`);
  const digest = new DigestStream();
  const rest = new Writable({
    write: (_chunk, _encoding, done) => {
      context.report.progress(digest.digest().sizeBytes, size);
      done();
    },
  });
  await pipeline(createReadStream(path, { highWaterMark: 1_024 ** 2 }), digest, rest, { signal: context.signal });
  const { sha256 } = digest.digest();
  requireDigest(path, sha256, expected);
  return { file: path, source: { kind, name: basename(path), sha256 } };
}

async function statFile(path: string) {
  try {
    const stats = await stat(path);
    if (stats.isFile()) return stats;
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
  }
  throw new ImageError("image-build-failed", `${path}, which the recipe names, is no file of this host`, {
    blame: "task",
  });
}

async function download(
  { url, sha256: expected }: RecipeSource & { kind: "url" },
  { kind, target, maxBytes, context }: FetchOptions,
): Promise<FetchedSource> {
  const { signal, report, directory } = context;
  const name = basename(new URL(url).pathname) || "the file";
  report.stage(`downloading ${name}`);
  await using remote = await Download.start(url, { subject: name, signal });
  const digest = new DigestStream();
  const guard = new DiskSpaceGuard(directory, RESERVE_BYTES);
  const body = Readable.from(bounded(remote, { maxBytes, guard, url, context }), { objectMode: false });
  await pipeline(body, digest, createWriteStream(target, { mode: 0o600 }), { signal });
  const { sha256 } = digest.digest();
  requireDigest(showUrl(new URL(url)), sha256, expected);
  return { file: target, source: { kind, name, url, sha256 } };
}

async function* bounded(
  remote: Download,
  { maxBytes, guard, url, context }: { maxBytes: number; guard: DiskSpaceGuard; url: string; context: BuildContext },
): AsyncGenerator<Uint8Array> {
  let done = 0;
  for await (const chunk of remote.open(context.signal)) {
    done += chunk.length;
    if (done > maxBytes) {
      const message = `${showUrl(new URL(url))} is larger than the ${maxBytes} bytes that images.maxSizeGiB allows`;
      throw new ImageError("image-build-failed", message, { blame: "task" });
    }
    await guard.wrote(chunk.length);
    context.report.progress(done, remote.bytes);
    yield chunk;
  }
}

function requireDigest(name: string, found: string, expected: string | undefined): void {
  if (expected === undefined || found === expected) return;
  const message = `${name} has the SHA-256 digest ${found}, and the recipe says ${expected}`;
  throw new ImageError("image-digest-mismatch", message, { blame: "task" });
}
