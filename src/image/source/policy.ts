/** Which sources of images a worker allows. Pure. */
import type { Issue } from "../../base/errors.ts";
import { allowingPrefix, type UrlPrefix } from "../../base/url-prefix.ts";
import { showUrl } from "../../http/download.ts";
import { ImageError, type ImageErrorCode } from "../errors.ts";
import { type ImageSpec, imageShapeIssues, type ParsedImageSpec, parseImageSpec } from "./spec.ts";

export interface ImageSourcePolicy {
  /** Whether archives may be named by their path on this host. */
  readonly allowPaths: boolean;
  /**
   * Whether archives may be named by their URL. `true`: on every host of the internet; prefixes: below these, also where
   * the host is an internal one; `anywhere`: wherever this host can reach.
   */
  readonly allowUrls: boolean | "anywhere" | readonly UrlPrefix[];
  /** Whether archives may be artifacts of the queue. */
  readonly allowArtifacts: boolean;
}

/** Who works on this host himself may read what he names. */
export const EVERY_SOURCE: ImageSourcePolicy = Object.freeze({
  allowPaths: true,
  allowUrls: "anywhere",
  allowArtifacts: true,
});

/** @throws {@link ImageError} `image-path-not-allowed`, `image-url-not-allowed`, `image-artifact-not-allowed` */
export function checkAllowed(spec: ParsedImageSpec, policy: ImageSourcePolicy): void {
  const refusal = refusalOf(spec, policy);
  if (refusal !== undefined) throw new ImageError(refusal.code, `the image ${refusal.message}`, { blame: "task" });
}

/** What is wrong with the `image` of a payload; looks only at what has the right shape. */
export function imageIssues(image: unknown, policy: ImageSourcePolicy): Issue[] {
  const spec = typeof image === "string" || (typeof image === "object" && image !== null) ? image : undefined;
  if (spec === undefined || Array.isArray(spec)) return [];
  const shape = typeof spec === "string" ? [] : imageShapeIssues(spec as Exclude<ImageSpec, string>);
  if (shape.length > 0) return shape;
  const parsed = parseImageSpec(spec as ImageSpec);
  const refusal = refusalOf(parsed, policy);
  if (refusal === undefined) return [];
  return [
    { path: parsed.kind === "url" && typeof spec !== "string" ? "image.url" : "image", message: refusal.message },
  ];
}

/**
 * What a download asks before each request, those that a redirect leads to included.
 *
 * @throws {@link ImageError} `image-url-not-allowed`
 */
export function admitUrl(url: URL, { allowUrls }: ImageSourcePolicy): { publicOnly: boolean } {
  const refusal = urlRefusal(url, allowUrls);
  if (refusal !== undefined) {
    const message = `the image at ${showUrl(url)} ${refusal.message}`;
    throw new ImageError("image-url-not-allowed", message, { blame: "task" });
  }
  if (typeof allowUrls === "object") return { publicOnly: allowingPrefix(url, allowUrls)?.host === undefined };
  return { publicOnly: allowUrls !== "anywhere" };
}

interface Refusal {
  readonly code: ImageErrorCode;
  readonly message: string;
}

function refusalOf(spec: ParsedImageSpec, policy: ImageSourcePolicy): Refusal | undefined {
  switch (spec.kind) {
    case "name":
      return undefined;
    case "path":
      return policy.allowPaths ? undefined : refused("image-path-not-allowed", "a path", "allowPaths");
    case "artifact":
      return policy.allowArtifacts ? undefined : refused("image-artifact-not-allowed", "an artifact", "allowArtifacts");
    case "url": {
      const url = URL.parse(spec.url);
      // What is no URL, or of another scheme, the download itself refuses.
      return policy.allowUrls === false || url !== null ? urlRefusal(url, policy.allowUrls) : undefined;
    }
  }
}

function urlRefusal(url: URL | null, allowUrls: ImageSourcePolicy["allowUrls"]): Refusal | undefined {
  if (allowUrls === false) return refused("image-url-not-allowed", "a URL", "allowUrls");
  if (typeof allowUrls !== "object" || url === null || !/^https?:$/.test(url.protocol)) return undefined;
  if (allowingPrefix(url, allowUrls) !== undefined) return undefined;
  const allowed = allowUrls.map(({ text }) => text).join(", ") || "nothing";
  const message = `is not fetched: this worker fetches images only from what begins with ${allowed}; see images.allowUrls there`;
  return { code: "image-url-not-allowed", message };
}

function refused(code: ImageErrorCode, what: string, setting: string): Refusal {
  const message = `is ${what}, and this worker takes none; name one of its images, or set images.${setting} there`;
  return { code, message };
}
