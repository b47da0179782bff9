/** Ed25519 keys as PEM. */
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { WorkerError } from "../base/errors.ts";

/**
 * @param subject What the text is, as an error calls it.
 * @throws {WorkerError} `manifest-key-invalid`, blame host.
 */
export function parsePrivateKey(pem: string, subject = "the key"): KeyObject {
  return parseKey(() => createPrivateKey(pem), subject);
}

/**
 * @param subject What the text is, as an error calls it.
 * @throws {WorkerError} `manifest-key-invalid`, blame host.
 */
export function parsePublicKey(pem: string, subject: string): KeyObject {
  return parseKey(() => createPublicKey(pem), subject);
}

export function generateKeys(): { privatePem: string; publicPem: string } {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  return {
    privatePem: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    publicPem: publicKey.export({ type: "spki", format: "pem" }).toString(),
  };
}

/** What a key is called, of either half of it: the SHA-256 digest of the public one (SPKI, DER), in hexadecimal. */
export function keyId(key: KeyObject): string {
  const publicKey = key.type === "private" ? createPublicKey(key) : key;
  return createHash("sha256")
    .update(publicKey.export({ type: "spki", format: "der" }))
    .digest("hex");
}

function parseKey(parse: () => KeyObject, subject: string): KeyObject {
  let key: KeyObject | undefined;
  try {
    key = parse();
  } catch {
    // The error may quote the key.
  }
  if (key?.asymmetricKeyType === "ed25519") return key;
  const what = key === undefined ? "no key in PEM" : `a key of type ${key.asymmetricKeyType}`;
  throw new WorkerError(`${subject} is ${what}; make an Ed25519 key with: boxcar manifest keygen`, {
    code: "manifest-key-invalid",
    blame: "host",
  });
}
