/** What a command says of an image that has come into the store. */
import type { Config } from "../../config/config.ts";
import { imageDocument } from "../../image/document.ts";
import type { Image } from "../../image/store/image.ts";
import type { ImageStore } from "../../image/store/image-store.ts";
import { type CliContext, print, printJson } from "../context.ts";
import { printable } from "../printable.ts";
import { signaturesOf } from "./signatures.ts";
import { describeSizes } from "./size-report.ts";

export interface ReportOptions {
  json: boolean;
  config: Config;
  store: ImageStore;
  context: CliContext;
}

/** The image on stdout, its sizes on stderr. */
export async function reportImage(image: Image, { json, config, store, context }: ReportOptions): Promise<void> {
  const ancestors = await store.ancestors(image);
  context.stderr.write(`${printable(describeSizes(image, ancestors))}\n`);
  if (json) printJson(context, imageDocument(image, { signature: await signaturesOf(config).tryRead(image.digest) }));
  else print(context, `${image.digest}${image.tags.length === 0 ? "" : ` (${image.tags.join(", ")})`}`);
}
