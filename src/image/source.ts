/**
 * From what a task calls its image to the image itself: a name in the store, the path of an archive, a URL, or a URL
 * with its digest.
 */
import { codeOf } from "../base/errors.ts";
import { Download, type DownloadOptions } from "../http/download.ts";
import { ImageError } from "./errors.ts";
import type { Image } from "./store/image.ts";
import type { ImageLease } from "./store/image-lease.ts";
import type { ImageStore } from "./store/image-store.ts";
import type { ImportOptions } from "./store/importer.ts";

/** As in the `image` of a task payload. */
export type ImageSpec = string | { url: string; sha256: string };

export interface ImageSourcePolicy {
  /** Whether archives may be named by their path on this host. */
  allowPaths: boolean;
  /** Whether archives may be named by their URL. */
  allowUrls: boolean;
}

export type ParsedImageSpec =
  | { kind: "name"; name: string }
  | { kind: "path"; path: string }
  | { kind: "url"; url: string; sha256: string | undefined };

/** Pure: a path starts with `/`, a URL with its scheme, and everything else is a name. */
export function parseImageSpec(spec: ImageSpec): ParsedImageSpec {
  if (typeof spec !== "string") return { kind: "url", ...spec };
  if (spec.startsWith("/")) return { kind: "path", path: spec };
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(spec)) return { kind: "url", url: spec, sha256: undefined };
  return { kind: "name", name: spec };
}

export interface AcquireImageOptions extends ImportOptions {
  policy: ImageSourcePolicy;
  /** An archive was taken into the store: the image was not there, or it could not be known that it was. */
  onImport?: (image: Image) => void;
  /** How downloads are tried again. */
  download?: Pick<DownloadOptions, "maxAttempts" | "backOffMs" | "stallMs">;
}

/**
 * Fetches the image if it is not in the store yet, and returns a lease on it.
 *
 * @throws {@link ImageError}, {@link DownloadError} and everything {@link ImageStore.import} throws; `signal.reason`.
 */
export async function acquireImage(
  store: ImageStore,
  spec: ImageSpec,
  options: AcquireImageOptions,
): Promise<ImageLease> {
  const parsed = parseImageSpec(spec);
  checkAllowed(parsed, options.policy);
  if (parsed.kind === "name") return await store.acquire(parsed.name);
  try {
    return await store.acquire(await bring(store, parsed, options));
  } catch (error) {
    if (codeOf(error) !== "image-not-found" || parsed.kind === "path") throw error;
    // Somebody removed it between import and lease.
    return await store.acquire(await bring(store, parsed, options));
  }
}

/** Resolves with the digest. */
async function bring(
  store: ImageStore,
  source: Exclude<ParsedImageSpec, { kind: "name" }>,
  options: AcquireImageOptions,
): Promise<string> {
  const { signal, onProgress } = options;
  const imported = (image: Image) => {
    options.onImport?.(image);
    return image.digest;
  };
  if (source.kind === "path") return imported(await store.import(source.path, { signal, onProgress }));
  const { url, sha256 } = source;
  if (sha256 !== undefined && (await store.has(sha256))) return `sha256:${sha256}`;
  await using download = await Download.start(url, { ...options.download, subject: "the image", sha256, signal });
  return imported(await store.import(download, { signal, onProgress }));
}

/** @throws {@link ImageError} `image-path-not-allowed`, `image-url-not-allowed` */
export function checkAllowed({ kind }: ParsedImageSpec, { allowPaths, allowUrls }: ImageSourcePolicy): void {
  if (kind === "path" && !allowPaths) {
    const message = "this worker takes no images by path; name one of its images, or set images.allowPaths there";
    throw new ImageError("image-path-not-allowed", message, { blame: "task" });
  }
  if (kind === "url" && !allowUrls) {
    const message = "this worker takes no images by URL; name one of its images, or set images.allowUrls there";
    throw new ImageError("image-url-not-allowed", message, { blame: "task" });
  }
}
