/** How people name an image of a registry. Pure. */
import { ImageError } from "../errors.ts";
import { requireTagName } from "../store/reference.ts";
import { sha256OfDigest } from "./documents.ts";

/** One of both at least; of both, the name must stand for the digest. */
export interface RegistryReference {
  readonly name: string | undefined;
  /** `sha256:` and 64 hexadecimal digits. */
  readonly digest: string | undefined;
}

/**
 * `NAME`, `sha256:…`, or `NAME@sha256:…`.
 *
 * @throws {@link ImageError} `image-reference-invalid`
 */
export function parseRegistryReference(text: string): RegistryReference {
  const [first = "", second, ...more] = text.split("@");
  if (more.length > 0) throw invalid(text);
  if (first.startsWith("sha256:") && second === undefined) return { name: undefined, digest: checkDigest(first) };
  return { name: requireTagName(first), digest: second === undefined ? undefined : checkDigest(second) };
}

function checkDigest(text: string): string {
  sha256OfDigest(text);
  return text;
}

function invalid(text: string): ImageError {
  const message = `${JSON.stringify(text.slice(0, 200))} names no image; NAME, sha256:… and NAME@sha256:… do`;
  return new ImageError("image-reference-invalid", message, { blame: "task" });
}
