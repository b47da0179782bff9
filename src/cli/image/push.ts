/** `boxcar image push`: an image of the store, or an archive, goes into a registry. */
import { resolve } from "node:path";
import type { Config } from "../../config/config.ts";
import { type PushedImage, pushedFromStore, pushImage } from "../../image/registry/push.ts";
import type { ImageStore } from "../../image/store/image-store.ts";
import { requireTagName } from "../../image/store/reference.ts";
import { type CliContext, print, printJson } from "../context.ts";
import { ProgressBar } from "../progress-bar.ts";
import { openStore } from "../store.ts";
import { isArchivePath, verifyFile } from "./archive-file.ts";
import { registryOf } from "./registries.ts";
import { signaturesOf, tryReadSignatureFile } from "./signatures.ts";

export interface PushFlags {
  to: string;
  tag?: string;
  json?: boolean;
}

export async function push(image: string, flags: PushFlags, config: Config, context: CliContext): Promise<void> {
  if (flags.tag !== undefined) requireTagName(flags.tag);
  await using store = await openStore(config);
  using bar = new ProgressBar(context.stderr);
  const { pushed, name } = isArchivePath(image)
    ? await fromFile(resolve(context.cwd, image), { store, config, context, bar })
    : await fromStore(image, store, config);
  const tag = flags.tag ?? name;
  const registry = await registryOf(flags.to, config, context, { create: true });
  const { digest, sent } = await pushImage(registry, pushed, {
    ...{ tag, signal: context.signal },
    onProgress: bar.reporter("sending the image"),
  });
  const count = sent.length === 1 ? "1 archive" : `${sent.length} archives`;
  bar.say(sent.length === 0 ? `${registry.description} had it already` : `sent ${count} to ${registry.description}`);
  if (json(flags)) printJson(context, { digest, sent, ...(tag === undefined ? {} : { tag }) });
  else print(context, `${digest}${tag === undefined ? "" : ` (${tag})`}`);
}

function json(flags: PushFlags): boolean {
  return flags.json ?? false;
}

interface Named {
  pushed: PushedImage;
  /** What it is called here. */
  name: string | undefined;
}

async function fromStore(reference: string, store: ImageStore, config: Config): Promise<Named> {
  const { tags } = await store.inspect(reference);
  const pushed = await pushedFromStore(store, signaturesOf(config), reference);
  return { pushed, name: tags.includes(reference) ? reference : tags[0] };
}

/** What it lies on is taken from the store; what is not there the registry must have. */
async function fromFile(
  file: string,
  parts: { store: ImageStore; config: Config; context: CliContext; bar: ProgressBar },
): Promise<Named> {
  const { store, config } = parts;
  const { digest, archiveBytes, provenance, parent } = await verifyFile(file, parts);
  const signature = await tryReadSignatureFile(file, digest);
  const below = parent === undefined ? undefined : await pushedFromStore(store, signaturesOf(config), parent);
  return {
    name: provenance?.name,
    pushed: {
      archive: { digest, file, bytes: archiveBytes },
      parents: below === undefined ? [] : [below.archive, ...below.parents],
      signatures: [...(below?.signatures ?? []), ...(signature === undefined ? [] : [signature])],
    },
  };
}
