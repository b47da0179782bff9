/**
 * Where images are kept for others: archives by their digest, names for them, and who has signed them.
 *
 *   tags/<name>.json           what a name stands for
 *   tags.json                  all of these in a list
 *   blobs/<sha256>.tar.zst     archives
 *   signatures/<sha256>.json   DSSE envelopes
 *
 * A registry is not trusted: what comes from it is bounded and checked by who asked for it, an archive by its digest.
 */
import type { RegistryTag } from "../../generated/registry-tag.ts";
import type { ImageSignature } from "../../signing/image-signature.ts";
import type { ArchiveSource } from "../store/archive-source.ts";

export interface RegistryOptions {
  signal?: AbortSignal | undefined;
}

export interface PutBlobOptions extends RegistryOptions {
  onProgress?: ((progress: { doneBytes: number; totalBytes: number }) => void) | undefined;
}

/** An archive outside of a registry. */
export interface ArchiveFile {
  /** `sha256:` and hexadecimal digits. */
  readonly digest: string;
  readonly file: string;
  readonly bytes: number;
}

/** Every method throws `signal.reason`, and {@link DownloadError} where it is reached over a network. */
export interface Registry {
  /** For messages: a folder, or a URL without what is secret of it. */
  readonly description: string;
  /** In the order of their names. @throws {@link ImageError} `registry-unlisted`: it cannot tell. */
  tags(options?: RegistryOptions): Promise<RegistryTag[]>;
  /** Undefined if there is no such name. */
  tag(name: string, options?: RegistryOptions): Promise<RegistryTag | undefined>;
  /** Undefined if nobody has signed it. What is in it has to be verified. */
  signature(digest: string, options?: RegistryOptions): Promise<ImageSignature | undefined>;
  has(digest: string, options?: RegistryOptions): Promise<boolean>;
  /**
   * The archive, to be imported; its digest is checked by that.
   *
   * @param options.maxBytes More than that are refused, as soon as that is known.
   * @throws {@link ImageError} `image-not-found`
   */
  openBlob(digest: string, options: RegistryOptions & { maxBytes: number }): Promise<ArchiveSource & AsyncDisposable>;
  /** Resolves with whether it had to be sent. */
  putBlob(archive: ArchiveFile, options?: PutBlobOptions): Promise<boolean>;
  /** Adds them to those that are there. @throws {@link ImageError} `signature-conflict` */
  putSignature(signature: ImageSignature, options?: RegistryOptions): Promise<void>;
  /** Its archive must be there. */
  putTag(tag: RegistryTag, options?: RegistryOptions): Promise<void>;
}
