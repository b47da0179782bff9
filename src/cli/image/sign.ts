/** `boxcar image sign`: somebody vouches for an image. What would be refused is not signed. */
import type { KeyObject } from "node:crypto";
import { rename, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { Config } from "../../config/config.ts";
import type { ImageProvenance } from "../../generated/image.ts";
import { readPrivateKey } from "../../image/signatures/signature-policy.ts";
import { cosignImage, formatSignature, type ImageSignature, signImage } from "../../signing/image-signature.ts";
import { keyId } from "../../signing/keys.ts";
import { type CliContext, print, printJson } from "../context.ts";
import { ProgressBar } from "../progress-bar.ts";
import { openStore } from "../store.ts";
import { isArchivePath, verifyFile } from "./archive-file.ts";
import { signatureFileOf, signaturesOf, tryReadSignatureFile } from "./signatures.ts";

export interface SignFlags {
  key: string;
  json?: boolean;
}

export async function sign(image: string, flags: SignFlags, config: Config, context: CliContext): Promise<void> {
  const key = await readPrivateKey(resolve(context.cwd, flags.key));
  const signed = isArchivePath(image)
    ? await signFile(resolve(context.cwd, image), key, config, context)
    : await signStored(image, key, config);
  const { digest } = signed.statement;
  const signatures = signed.envelope.signatures.length;
  if (flags.json) printJson(context, { digest, key: keyId(key), signatures });
  else print(context, `${digest} is signed by ${keyId(key)}${signatures === 1 ? "" : `, and ${signatures - 1} more`}`);
}

async function signStored(reference: string, key: KeyObject, config: Config): Promise<ImageSignature> {
  await using store = await openStore(config);
  const { digest, provenance } = await store.inspect(reference);
  const signatures = signaturesOf(config);
  const before = await signatures.read(digest);
  // Where it does not fit to what others state, theirs goes.
  return await signatures.add(signedBy(key, { digest, provenance, before }), [key]);
}

async function signFile(file: string, key: KeyObject, config: Config, context: CliContext): Promise<ImageSignature> {
  await using store = await openStore(config);
  using bar = new ProgressBar(context.stderr);
  const { digest, provenance } = await verifyFile(file, { store, config, context, bar });
  const signed = signedBy(key, { digest, provenance, before: await tryReadSignatureFile(file, digest) });
  const part = `${signatureFileOf(file)}.${crypto.randomUUID()}.part`;
  await writeFile(part, formatSignature(signed), { flag: "wx" });
  await rename(part, signatureFileOf(file));
  return signed;
}

interface Signable {
  digest: string;
  provenance: ImageProvenance | undefined;
  /** By others. */
  before: ImageSignature | undefined;
}

/**
 * Pure but for the key. Whoever signs later signs the statement of the first, so that there is one envelope; but only
 * if it is true: anybody may have put it there.
 */
function signedBy(key: KeyObject, { digest, provenance, before }: Signable): ImageSignature {
  const { name, created } = provenance ?? {};
  const isTrue = (said: string | undefined, fact: string | undefined) => said === undefined || said === fact;
  if (before !== undefined && isTrue(before.statement.name, name) && isTrue(before.statement.created, created)) {
    return cosignImage(before, key);
  }
  const known = { ...(name === undefined ? {} : { name }), ...(created === undefined ? {} : { created }) };
  return signImage({ digest, ...known }, key);
}
