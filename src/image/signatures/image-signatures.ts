/** Who has signed the images of a store, as far as it was told. */
import type { KeyObject } from "node:crypto";
import { rm } from "node:fs/promises";
import { InvalidInputError } from "../../base/errors.ts";
import { FileLocks } from "../../host/file-locks.ts";
import { MAX_ENVELOPE_BYTES } from "../../signing/dsse.ts";
import {
  boundedSignature,
  formatSignature,
  type ImageSignature,
  mergeSignatures,
  parseImageSignature,
  verifiedKeys,
} from "../../signing/image-signature.ts";
import { ImageError } from "../errors.ts";
import { StoreLayout } from "../store/layout.ts";
import { readBounded } from "./read-bounded.ts";

export class ImageSignatures {
  readonly #layout: StoreLayout;
  readonly #locks: FileLocks;

  constructor(storeDirectory: string) {
    this.#layout = StoreLayout.existing(storeDirectory);
    this.#locks = new FileLocks(this.#layout.path("locks"));
  }

  /** @throws {InvalidInputError} The file is damaged. */
  async read(digest: string): Promise<ImageSignature | undefined> {
    const bytes = await readBounded(this.#layout.signatureFile(sha256Of(digest)), MAX_ENVELOPE_BYTES);
    return bytes && parseImageSignature(bytes, digest, `The signature of ${digest} in the store`);
  }

  /** To be shown: a file that is damaged says nothing. */
  async tryRead(digest: string): Promise<ImageSignature | undefined> {
    return await this.read(digest).catch((error: unknown) => {
      if (error instanceof InvalidInputError) return undefined;
      throw error;
    });
  }

  /**
   * Keeps what somebody has signed, beside what others have.
   *
   * @param keys Those that count: where two signatures do not fit together, or there are too many, what they have made
   *   stays.
   * @returns what is kept now.
   * @throws {@link ImageError} `image-not-found`
   */
  async add(signature: ImageSignature, keys: readonly KeyObject[] = []): Promise<ImageSignature> {
    const { digest } = signature.statement;
    const sha256 = sha256Of(digest);
    // Under this lock images are removed.
    await using _lock = await this.#locks.acquire(`image-${sha256}`);
    if (!(await this.#layout.hasBlob(sha256))) {
      throw new ImageError("image-not-found", `the image ${digest} is not in the store any more`, { blame: "task" });
    }
    const file = this.#layout.signatureFile(sha256);
    const before = await this.read(digest).catch(async () => {
      await rm(file, { force: true });
      return undefined;
    });
    const kept = before === undefined ? boundedSignature(signature, keys) : joined(before, signature, keys);
    if (kept !== before) await this.#layout.writeAtomically(file, formatSignature(kept));
    return kept;
  }
}

function joined(before: ImageSignature, added: ImageSignature, keys: readonly KeyObject[]): ImageSignature {
  const both = mergeSignatures(before, added, keys);
  if (both !== undefined) return both;
  const isBetter = verifiedKeys(added, keys).length > verifiedKeys(before, keys).length;
  return isBetter ? added : before;
}

function sha256Of(digest: string): string {
  return digest.slice("sha256:".length);
}
