/** How people name an image of a store. */
import { ImageError } from "../errors.ts";

export type ImageDigest = `sha256:${string}`;

export function sha256Of(digest: ImageDigest): string {
  return digest.slice("sha256:".length);
}

/** A name may also be the start of a digest: the store knows which of both there is. */
export interface ImageReference {
  name: string | undefined;
  /** Hexadecimal digits, 6 to 64. */
  digestPrefix: string | undefined;
}

const NAME = /^[a-z0-9][a-z0-9._-]{0,127}$/;
/** Who names an image by it must get this image, whatever names others have given. */
const WHOLE_DIGEST = /^[0-9a-f]{64}$/;
/** Of files, which commands take in the place of names. */
export const ARCHIVE_ENDING = ".zst";
const PREFIX = /^[0-9a-f]{6,64}$/;

/** @throws {@link ImageError} `image-reference-invalid`. */
export function parseReference(text: string): ImageReference {
  const digits = text.startsWith("sha256:") ? text.slice("sha256:".length) : text;
  const digestPrefix = PREFIX.test(digits) ? digits : undefined;
  const name = isName(text) ? text : undefined;
  if (name === undefined && digestPrefix === undefined) throw invalid(text);
  return { name, digestPrefix };
}

/** @throws {@link ImageError} `image-reference-invalid`. */
export function requireTagName(name: string): string {
  if (!isName(name) || name.endsWith(ARCHIVE_ENDING)) throw invalid(name);
  return name;
}

function isName(text: string): boolean {
  return NAME.test(text) && !WHOLE_DIGEST.test(text);
}

function invalid(text: string): ImageError {
  return new ImageError(
    "image-reference-invalid",
    `${JSON.stringify(text.slice(0, 200))} names no image: a name has lower-case letters, digits, ".", "_" and "-" ` +
      `and does not end with ${ARCHIVE_ENDING}, ` +
      "and a digest is sha256: and at least its first 6 digits",
    { blame: "task" },
  );
}
