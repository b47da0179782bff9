/** `boxcar image import`: an archive, and its signature where that is beside it, come into the store. */
import { resolve } from "node:path";
import type { Config } from "../../config/config.ts";
import { SignaturePolicy } from "../../image/signatures/signature-policy.ts";
import { requireTagName } from "../../image/store/reference.ts";
import type { CliContext } from "../context.ts";
import { imageHooks } from "../image-hooks.ts";
import { ProgressBar } from "../progress-bar.ts";
import { openStore } from "../store.ts";
import { reportImage } from "./report.ts";
import { signaturesOf, tryReadSignatureFile } from "./signatures.ts";

export interface ImportFlags {
  tag?: string;
  discard?: boolean;
  json?: boolean;
}

export async function importArchive(
  archive: string,
  { tag, discard = false, json = false }: ImportFlags,
  config: Config,
  context: CliContext,
): Promise<void> {
  if (tag !== undefined) requireTagName(tag);
  await using store = await openStore(config);
  const file = resolve(context.cwd, archive);
  const image = await withBar(context, async (bar) => {
    const { bringParent } = await imageHooks(config, { allowUnsigned: true });
    return await store.import(file, {
      ...{ signal: context.signal, keepArchive: !discard, bringParent },
      onProgress: bar.reporter("unpacking the image"),
      ...(tag === undefined ? {} : { tag }),
    });
  });
  const signature = await tryReadSignatureFile(file, image.digest);
  const { keys } = await SignaturePolicy.read(config.images.requireSignature?.keys);
  if (signature !== undefined) await signaturesOf(config).add(signature, keys);
  await reportImage(image, { json, config, store, context });
}

async function withBar<T>(context: CliContext, work: (bar: ProgressBar) => Promise<T>): Promise<T> {
  using bar = new ProgressBar(context.stderr);
  return await work(bar);
}
