/** Whose signature an image needs before a machine starts from it: `images.requireSignature` of the configuration. */
import type { KeyObject } from "node:crypto";
import { readFile } from "node:fs/promises";
import { InvalidInputError } from "../../base/errors.ts";
import { whyUnreadable } from "../../base/why-unreadable.ts";
import { type ImageSignature, verifiedKeys } from "../../signing/image-signature.ts";
import { parsePrivateKey, parsePublicKey } from "../../signing/keys.ts";
import { ImageError } from "../errors.ts";

export class SignaturePolicy {
  /** None: an image needs no signature. */
  readonly keys: readonly KeyObject[];

  constructor(keys: readonly KeyObject[]) {
    this.keys = keys;
  }

  /**
   * @param files Public keys in PEM; undefined: nothing is required.
   * @throws {InvalidInputError}, {WorkerError} `manifest-key-invalid`
   */
  static async read(files: readonly string[] | undefined): Promise<SignaturePolicy> {
    return new SignaturePolicy(await readPublicKeys(files ?? []));
  }

  /** @throws {@link ImageError} `image-unsigned` */
  check(digest: string, signature: ImageSignature | undefined): void {
    if (this.keys.length === 0) return;
    if (signature !== undefined && verifiedKeys(signature, this.keys).length > 0) return;
    const what = signature === undefined ? "is not signed" : "is signed by none of the keys that count here";
    const message = `the image ${digest} ${what}; sign it with one of images.requireSignature.keys: boxcar image sign IMAGE --key KEY`;
    throw new ImageError("image-unsigned", message, { blame: "task", details: { digest } });
  }
}

/** @throws {InvalidInputError}, {WorkerError} `manifest-key-invalid` */
export async function readPublicKeys(files: readonly string[]): Promise<KeyObject[]> {
  return await Promise.all(files.map(async (file) => parsePublicKey(await readKeyFile(file), file)));
}

/** @throws {InvalidInputError}, {WorkerError} `manifest-key-invalid` */
export async function readPrivateKey(file: string): Promise<KeyObject> {
  return parsePrivateKey(await readKeyFile(file), file);
}

/** @throws {InvalidInputError} */
async function readKeyFile(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw new InvalidInputError(`The key ${file}`, [{ path: "", message: whyUnreadable(error) }], "host");
  }
}
