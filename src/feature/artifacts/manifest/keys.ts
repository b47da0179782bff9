/** Ed25519 keys as PEM. */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { WorkerError } from "../../../base/errors.ts";

/** @throws {WorkerError} `manifest-key-invalid`, blame host. */
export function parsePrivateKey(pem: string): KeyObject {
  return parseKey(() => createPrivateKey(pem), "features.artifacts.manifest.key");
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
