/** `boxcar image show`: all that is known of one image. */
import type { Config } from "../../config/config.ts";
import { imageDocument, snapshotDocument } from "../../image/document.ts";
import { type CliContext, print, printJson } from "../context.ts";
import { openStore } from "../store.ts";
import { describeImage, describeSnapshots } from "./describe.ts";
import { signaturesOf } from "./signatures.ts";

export interface ShowFlags {
  packages?: boolean;
  json?: boolean;
}

export async function show(reference: string, { json }: ShowFlags, config: Config, context: CliContext): Promise<void> {
  await using store = await openStore(config);
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
