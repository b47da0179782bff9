/** Who vouches for an image: a DSSE envelope over its digest, beside the archive, in a store or in a registry. Pure. */
import type { KeyObject } from "node:crypto";
import { InvalidInputError } from "../base/errors.ts";
import type { ImageStatement } from "../generated/image-statement.ts";
import type { SignatureEnvelope } from "../generated/signature-envelope.ts";
import { parseAs } from "../schema/parse.ts";
import {
  addSignature,
  formatEnvelope,
  mergeEnvelopes,
  parseEnvelope,
  payloadOf,
  signEnvelope,
  signersOf,
} from "./dsse.ts";
import { keyId } from "./keys.ts";

export const IMAGE_PAYLOAD_TYPE = "application/vnd.boxcar.image+json";

/** A signature over one image, which nobody has verified yet. */
export interface ImageSignature {
  readonly statement: ImageStatement;
  readonly envelope: SignatureEnvelope;
}

/**
 * @param statement Only of the image, so that all who sign it sign the same and their signatures fit into one envelope.
 */
export function signImage(statement: ImageStatement, key: KeyObject): ImageSignature {
  const { digest, name, created } = statement;
  const plain = { digest, ...(name === undefined ? {} : { name }), ...(created === undefined ? {} : { created }) };
  return { statement: plain, envelope: signEnvelope(IMAGE_PAYLOAD_TYPE, Buffer.from(JSON.stringify(plain)), key) };
}

/** The same statement, signed by one more key. */
export function cosignImage({ statement, envelope }: ImageSignature, key: KeyObject): ImageSignature {
  return { statement, envelope: addSignature(envelope, key) };
}

/**
 * The signatures of both; undefined if they state different things.
 *
 * @param keys Those that count: where there are too many signatures, theirs are kept.
 */
export function mergeSignatures(
  one: ImageSignature,
  other: ImageSignature,
  keys: readonly KeyObject[] = [],
): ImageSignature | undefined {
  const envelope = mergeEnvelopes(one.envelope, other.envelope, keys);
  return envelope && { statement: one.statement, envelope };
}

/**
 * @param digest The image it must be over.
 * @throws {InvalidInputError}, also where it is over something else.
 */
export function parseImageSignature(bytes: Buffer, digest: string, subject = "The signature"): ImageSignature {
  const envelope = parseEnvelope(bytes, { subject });
  const refused = (path: string, message: string) => new InvalidInputError(subject, [{ path, message }], "task");
  if (envelope.payloadType !== IMAGE_PAYLOAD_TYPE) throw refused("payloadType", `must be ${IMAGE_PAYLOAD_TYPE}`);
  const statement = parseAs("image-statement", payloadOf(envelope, subject), { subject, blame: "task" });
  if (statement.digest !== digest) throw refused("payload.digest", `is ${statement.digest}, not ${digest}`);
  return { statement, envelope };
}

/** The same with as many signatures as others will read, the first of them. */
export function boundedSignature(signature: ImageSignature, keys: readonly KeyObject[] = []): ImageSignature {
  return mergeSignatures(signature, signature, keys) ?? signature;
}

/** Whether every signature of it is in the other. */
export function isContained({ envelope }: ImageSignature, other: ImageSignature): boolean {
  const known = new Set(other.envelope.signatures.map(({ sig }) => sig));
  return envelope.signatures.every(({ sig }) => known.has(sig));
}

/** As files have it. */
export function formatSignature({ envelope }: ImageSignature): string {
  return formatEnvelope(envelope);
}

/** Ids of those of `keys` that have signed it. */
export function verifiedKeys({ envelope }: ImageSignature, keys: readonly KeyObject[]): string[] {
  return signersOf(envelope, keys).map(keyId);
}

/** Ids of the keys that are said to have signed it: to be shown, not to be trusted. */
export function claimedKeys({ envelope }: ImageSignature): string[] {
  return [...new Set(envelope.signatures.flatMap(({ keyid }) => (keyid === undefined ? [] : [keyid])))];
}
