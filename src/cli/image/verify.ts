/** `boxcar image verify`: the verdict on an image, and on its signatures, before anything is started from it. */
import type { KeyObject } from "node:crypto";
import { resolve } from "node:path";
import { codeOf, messageOf, WorkerError } from "../../base/errors.ts";
import type { Config } from "../../config/config.ts";
import { readPublicKeys } from "../../image/signatures/signature-policy.ts";
import type { VerifiedImage } from "../../image/verify/verify-archive.ts";
import { verifyStored } from "../../image/verify/verify-stored.ts";
import { claimedKeys, type ImageSignature, verifiedKeys } from "../../signing/image-signature.ts";
import { type CliContext, print, printJson } from "../context.ts";
import { printable } from "../printable.ts";
import { ProgressBar } from "../progress-bar.ts";
import { openStore } from "../store.ts";
import { isArchivePath, type VerifyParts, verifyFile, verifyOptions } from "./archive-file.ts";
import { describeVerified } from "./describe-verified.ts";
import { signaturesOf, tryReadSignatureFile } from "./signatures.ts";

export interface VerifyFlags {
  key?: string[];
  json?: boolean;
}

interface Found {
  image: VerifiedImage;
  signature: ImageSignature | undefined;
}

/** Whether nothing is wrong; mistakes of the command line are thrown. */
export async function verify(image: string, flags: VerifyFlags, config: Config, context: CliContext): Promise<boolean> {
  const keyFiles = flags.key?.map((file) => resolve(context.cwd, file)) ?? config.images.requireSignature?.keys ?? [];
  const keys = await readPublicKeys(keyFiles);
  await using store = await openStore(config);
  using bar = new ProgressBar(context.stderr);
  const parts = { store, config, context, bar };
  let found: Found;
  try {
    found = isArchivePath(image) ? await ofFile(resolve(context.cwd, image), parts) : await ofStore(image, parts);
  } catch (error) {
    if (!isVerdict(error)) throw error;
    if (flags.json) printJson(context, { accepted: false, code: codeOf(error), message: messageOf(error) });
    bar.say(`boxcar: refused: ${messageOf(error)}`);
    return false;
  }
  return judge(found, keys, { isJson: flags.json ?? false, context, bar });
}

function judge(
  { image, signature }: Found,
  keys: readonly KeyObject[],
  { isJson, context, bar }: { isJson: boolean; context: CliContext; bar: ProgressBar },
): boolean {
  const signedBy = signature === undefined ? [] : verifiedKeys(signature, keys);
  const claimed = signature === undefined ? [] : claimedKeys(signature);
  const isRight = keys.length === 0 || signedBy.length > 0;
  const { machine: _machine, provenance: _provenance, ...facts } = image;
  if (isJson) printJson(context, { accepted: isRight, ...facts, signatures: { verified: signedBy, claimed } });
  else print(context, describeVerified(image, { signedBy, claimed, hasKeys: keys.length > 0 }));
  if (isRight) return true;
  const why = signature === undefined ? "nobody has signed it" : "none of these keys has signed it";
  bar.say(printable(`boxcar: refused: ${why}; boxcar image sign does that`));
  return false;
}

async function ofFile(file: string, parts: VerifyParts): Promise<Found> {
  const image = await verifyFile(file, parts);
  return { image, signature: await tryReadSignatureFile(file, image.digest) };
}

async function ofStore(reference: string, parts: VerifyParts): Promise<Found> {
  const { store, config } = parts;
  await using lease = await store.acquire(reference);
  const { digest } = lease.image;
  const image = await verifyStored(lease.image, await store.archiveFile(digest), await verifyOptions(parts));
  return { image, signature: await signaturesOf(config).read(digest) };
}

/** What would be refused; not that there is no such image, nor that this host cannot look. */
function isVerdict(error: unknown): boolean {
  if (!(error instanceof WorkerError)) return false;
  if (error.code === "image-damaged") return true;
  if (/^image-(?:not-found|ambiguous|reference-invalid)$/.test(error.code)) return false;
  return error.blame === "image" || error.blame === "task";
}
