/** Signatures beside archives and in the store, for commands. */
import type { Config } from "../../config/config.ts";
import { ImageSignatures } from "../../image/signatures/image-signatures.ts";
import { readBounded } from "../../image/signatures/read-bounded.ts";
import { MAX_ENVELOPE_BYTES } from "../../signing/dsse.ts";
import { type ImageSignature, parseImageSignature } from "../../signing/image-signature.ts";

export function signaturesOf({ images }: Config): ImageSignatures {
  return new ImageSignatures(images.directory);
}

/** Beside an archive. */
export function signatureFileOf(archive: string): string {
  return `${archive}.sig`;
}

/** Undefined if there is none. @throws {InvalidInputError} It is none, or of something else. */
export async function tryReadSignatureFile(archive: string, digest: string): Promise<ImageSignature | undefined> {
  const file = signatureFileOf(archive);
  const bytes = await readBounded(file, MAX_ENVELOPE_BYTES);
  return bytes && parseImageSignature(bytes, digest, `The signature ${file}`);
}
