/**
 * Signatures over bytes, in an envelope with them: DSSE 1.0, with Ed25519. Pure.
 *
 * Envelopes come from strangers. They are bounded before they are parsed, and what is in them counts for nothing until
 * a key that is trusted has verified it; the `keyid` in them is only a hint, and no hint is taken.
 *
 * @see https://github.com/secure-systems-lab/dsse/blob/master/envelope.md
 */
import { type KeyObject, sign, verify } from "node:crypto";
import { InvalidInputError, messageOf } from "../base/errors.ts";
import type { SignatureEnvelope } from "../generated/signature-envelope.ts";
import { parseAs } from "../schema/parse.ts";
import { keyId } from "./keys.ts";

/** Of its text. */
export const MAX_ENVELOPE_BYTES = 64 * 1_024;
export const MAX_SIGNATURES = 64;
/** More than stands around one of several. */
const INDENTATION_BYTES = 64;

export function signEnvelope(payloadType: string, payload: Buffer, key: KeyObject): SignatureEnvelope {
  return addSignature({ payloadType, payload: payload.toString("base64"), signatures: [] }, key);
}

/** The same payload, signed by one more key, whose signature comes first: of too many others the last are left out. */
export function addSignature(envelope: SignatureEnvelope, key: KeyObject): SignatureEnvelope {
  const signed = { keyid: keyId(key), sig: sign(null, encodingOf(envelope), key).toString("base64") };
  return bounded(envelope, [signed, ...envelope.signatures]);
}

/**
 * The signatures of both; undefined if they are not over the same.
 *
 * @param keys Those that count: anybody can fill an envelope, so what they have signed comes before all others.
 */
export function mergeEnvelopes(
  one: SignatureEnvelope,
  other: SignatureEnvelope,
  keys: readonly KeyObject[] = [],
): SignatureEnvelope | undefined {
  if (one.payloadType !== other.payloadType || one.payload !== other.payload) return undefined;
  const all = [...one.signatures, ...other.signatures];
  const counts = all.map((signature) => signersOf({ ...one, signatures: [signature] }, keys).length > 0);
  return bounded(one, [...all.filter((_, index) => counts[index]), ...all.filter((_, index) => !counts[index])]);
}

/** As files have it. */
export function formatEnvelope(envelope: SignatureEnvelope): string {
  return `${JSON.stringify(envelope, undefined, 2)}\n`;
}

/** @throws {InvalidInputError} */
export function parseEnvelope(bytes: Buffer, { subject }: { subject: string }): SignatureEnvelope {
  if (bytes.length > MAX_ENVELOPE_BYTES) {
    throw refused(subject, `is ${bytes.length} bytes long; a signature has at most ${MAX_ENVELOPE_BYTES}`);
  }
  const envelope = parseAs("signature-envelope", parseJson(bytes, subject), { subject, blame: "task" });
  for (const text of [envelope.payload, ...envelope.signatures.map(({ sig }) => sig)]) {
    // Two spellings of the same bytes would be two payloads to those who compare.
    if (Buffer.from(text, "base64").toString("base64") !== text) throw refused(subject, "is not plain base64");
  }
  return envelope;
}

/** Which of `keys` have signed it, in their order. */
export function signersOf(envelope: SignatureEnvelope, keys: readonly KeyObject[]): KeyObject[] {
  const encoding = encodingOf(envelope);
  const signatures = envelope.signatures.map(({ sig }) => Buffer.from(sig, "base64"));
  return keys.filter((key) => signatures.some((signature) => verify(null, encoding, key, signature)));
}

/** @throws {InvalidInputError} The payload is no JSON, which no signature makes up for. */
export function payloadOf({ payload }: SignatureEnvelope, subject: string): unknown {
  return parseJson(Buffer.from(payload, "base64"), subject);
}

/** What is signed: no payload of one type can be taken for one of another. */
function encodingOf({ payloadType, payload }: SignatureEnvelope): Buffer {
  const body = Buffer.from(payload, "base64");
  const head = `DSSEv1 ${Buffer.byteLength(payloadType)} ${payloadType} ${body.length} `;
  return Buffer.concat([Buffer.from(head), body]);
}

/** The first of them, each once, as far as an envelope may have and others will read. */
function bounded(envelope: SignatureEnvelope, signatures: SignatureEnvelope["signatures"]): SignatureEnvelope {
  const known = new Set<string>();
  const kept: SignatureEnvelope["signatures"] = [];
  let bytes = Buffer.byteLength(formatEnvelope({ ...envelope, signatures: [] }));
  for (const signature of signatures) {
    if (known.size === known.add(signature.sig).size) continue;
    bytes += Buffer.byteLength(JSON.stringify(signature, undefined, 2)) + INDENTATION_BYTES;
    if (bytes > MAX_ENVELOPE_BYTES || kept.length === MAX_SIGNATURES) break;
    kept.push(signature);
  }
  return { ...envelope, signatures: kept };
}

function parseJson(bytes: Buffer, subject: string): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    throw refused(subject, `is not JSON: ${messageOf(error)}`);
  }
}

function refused(subject: string, message: string): InvalidInputError {
  return new InvalidInputError(subject, [{ path: "", message }], "task");
}
