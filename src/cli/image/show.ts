/** `boxcar image show`: all that is known of one image. */
import { resolve } from "node:path";
import type { Config } from "../../config/config.ts";
import { imageDocument, snapshotDocument } from "../../image/document.ts";
import type { ImageStore } from "../../image/store/image-store.ts";
import { claimedKeys } from "../../signing/image-signature.ts";
import { type CliContext, print, printJson } from "../context.ts";
import { ProgressBar } from "../progress-bar.ts";
import { openStore } from "../store.ts";
import { isArchivePath, verifyFile } from "./archive-file.ts";
import { describeImage, describeSnapshots } from "./describe.ts";
import { describeVerified } from "./describe-verified.ts";
import { signaturesOf, tryReadSignatureFile } from "./signatures.ts";

export interface ShowFlags {
  packages?: boolean;
  json?: boolean;
}

export async function show(reference: string, { json }: ShowFlags, config: Config, context: CliContext): Promise<void> {
  await using store = await openStore(config);
  if (isArchivePath(reference)) {
    await showFile(resolve(context.cwd, reference), store, { json: json ?? false, config, context });
    return;
  }
  const image = await store.inspect(reference);
  const snapshots = await store.listSnapshots(image);
  const signature = await signaturesOf(config).tryRead(image.digest);
  if (json) {
    printJson(context, { ...imageDocument(image, { signature }), snapshots: snapshots.map(snapshotDocument) });
    return;
  }
  const ancestors = await store.ancestors(image);
  print(context, `${describeImage(image, { ancestors, signature })}\n\n${describeSnapshots(snapshots)}`);
}

interface Shown {
  json: boolean;
  config: Config;
  context: CliContext;
}

/** What would be refused is not shown: there is no telling what it is. */
async function showFile(file: string, store: ImageStore, { json, config, context }: Shown): Promise<void> {
  using bar = new ProgressBar(context.stderr);
  const image = await verifyFile(file, { store, config, context, bar });
  const signature = await tryReadSignatureFile(file, image.digest);
  const claimed = signature === undefined ? [] : claimedKeys(signature);
  if (json) printJson(context, { ...image, signatures: { claimed } });
  else print(context, describeVerified(image, { signedBy: [], claimed, hasKeys: false }));
}
