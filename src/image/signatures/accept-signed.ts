/** The gate before every image that is to be used: `accept` of {@link AcquireImageOptions}. */
import type { Image } from "../store/image.ts";
import type { ImageSignatures } from "./image-signatures.ts";
import type { SignaturePolicy } from "./signature-policy.ts";

/**
 * What its parents are is a part of what is signed: a digest stands for all that is in an archive, and image.json in it
 * names the digest of the parent.
 *
 * @returns undefined where no signature is needed.
 */
export function acceptSigned(
  policy: SignaturePolicy,
  signatures: ImageSignatures,
): ((image: Pick<Image, "digest">) => Promise<void>) | undefined {
  if (policy.keys.length === 0) return undefined;
  return async ({ digest }) => policy.check(digest, await signatures.read(digest));
}
