/** An image of a registry comes into the store, with all that it lies on. */
import { ImageError } from "../errors.ts";
import type { ImageSignatures } from "../signatures/image-signatures.ts";
import type { SignaturePolicy } from "../signatures/signature-policy.ts";
import type { Image } from "../store/image.ts";
import type { ImageStore } from "../store/image-store.ts";
import type { ImportOptions } from "../store/importer.ts";
import type { RegistryReference } from "./reference.ts";
import type { Registry } from "./registry.ts";

export interface PullOptions extends Pick<ImportOptions, "signal" | "onProgress"> {
  store: ImageStore;
  signatures: ImageSignatures;
  policy: SignaturePolicy;
  /** Name it gets; default: the one it was asked for by. */
  tag?: string | undefined;
  /** Default true. */
  keepArchive?: boolean | undefined;
  /** Longest archive that is taken. */
  maxArchiveBytes: number;
}

/**
 * The signature is checked before anything is fetched, and everything by its digest before it is in the store.
 *
 * @throws {@link ImageError} `image-not-found`, `image-digest-mismatch`, `image-unsigned`, `registry-refused`, and what
 *   {@link ImageStore.import} throws.
 */
export async function pullImage(registry: Registry, wanted: RegistryReference, options: PullOptions): Promise<Image> {
  const { store, signatures, policy, signal, onProgress, maxArchiveBytes, keepArchive = true } = options;
  const { digest, bytes } = await find(registry, wanted, signal);
  const signature = await registry.signature(digest, { signal });
  policy.check(digest, signature);
  const open = (of: string, maxBytes: number, during?: AbortSignal) =>
    registry.openBlob(of, { signal: during, maxBytes: Math.min(maxBytes, maxArchiveBytes) });
  await using source = await open(digest, bytes ?? maxArchiveBytes, signal);
  const image = await store.import(source, {
    ...{ signal, onProgress, keepArchive },
    bringParent: (parent, during) => open(parent, maxArchiveBytes, during),
  });
  if (signature !== undefined) await signatures.add(signature, policy.keys);
  const tag = options.tag ?? wanted.name;
  if (tag !== undefined) await store.tag(image.digest, tag);
  return await store.inspect(image.digest);
}

async function find(
  registry: Registry,
  { name, digest }: RegistryReference,
  signal: AbortSignal | undefined,
): Promise<{ digest: string; bytes: number | undefined }> {
  if (name === undefined) return { digest: digest ?? "", bytes: undefined };
  const tag = await registry.tag(name, { signal });
  if (tag === undefined) {
    const message = `${registry.description} has no image ${JSON.stringify(name)}; ask it with: boxcar image list --from`;
    throw new ImageError("image-not-found", message, { blame: "task" });
  }
  if (digest === undefined || digest === tag.digest) return tag;
  const message = `${name} is ${tag.digest} in ${registry.description}, not ${digest}; it was given another image`;
  throw new ImageError("image-digest-mismatch", message, { blame: "task" });
}
