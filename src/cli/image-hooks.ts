/** What the configuration wants of images before a machine starts from one, and where their parents are found. */
import type { Config } from "../config/config.ts";
import { maxArchiveBytes } from "../image/registry/limits.ts";
import { parentsFrom } from "../image/registry/parents.ts";
import { acceptSigned } from "../image/signatures/accept-signed.ts";
import { ImageSignatures } from "../image/signatures/image-signatures.ts";
import { SignaturePolicy } from "../image/signatures/signature-policy.ts";
import type { ImageHooks } from "../image/source/acquire.ts";

/**
 * @param options.allowUnsigned Whether somebody has said that no signature is needed.
 * @throws {InvalidInputError}, {WorkerError} A key of `images.requireSignature` is none.
 */
export async function imageHooks({ images }: Config, { allowUnsigned = false } = {}): Promise<ImageHooks> {
  const policy = await SignaturePolicy.read(allowUnsigned ? undefined : images.requireSignature?.keys);
  return {
    accept: acceptSigned(policy, new ImageSignatures(images.directory)),
    bringParent: parentsFrom(images.registries, { maxBytes: maxArchiveBytes(images.maxSizeBytes) }),
  };
}
