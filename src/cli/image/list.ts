/** `boxcar image list`: the images of this host, or of a registry. */
import { formatBytes } from "../../base/units.ts";
import type { Config } from "../../config/config.ts";
import type { RegistryTag } from "../../generated/registry-tag.ts";
import { imageDocument } from "../../image/document.ts";
import { type CliContext, print, printJson } from "../context.ts";
import { openStore } from "../store.ts";
import { minute, table } from "../table.ts";
import { imageTable } from "./describe.ts";
import { registryOf } from "./registries.ts";
import { signaturesOf } from "./signatures.ts";

export interface ListFlags {
  from?: string;
  json?: boolean;
}

export async function listImages({ from, json }: ListFlags, config: Config, context: CliContext): Promise<void> {
  if (from !== undefined) {
    const tags = await (await registryOf(from, config, context)).tags({ signal: context.signal });
    if (json) printJson(context, tags);
    else print(context, tagTable(tags));
    return;
  }
  await using store = await openStore(config);
  const images = await store.list();
  if (!json) return print(context, imageTable(images));
  const signatures = signaturesOf(config);
  const documents = images.map(async (image) =>
    imageDocument(image, { signature: await signatures.tryRead(image.digest) }),
  );
  printJson(context, await Promise.all(documents));
}

function tagTable(tags: readonly RegistryTag[]): string {
  if (tags.length === 0) return 'There are no images yet; "boxcar image push IMAGE --to REGISTRY" brings one.';
  const rows = tags.map(({ name, digest, bytes, parents, created }) => [
    name,
    digest.slice("sha256:".length, "sha256:".length + 12),
    formatBytes(bytes),
    parents.length === 0 ? "-" : (parents[0] ?? "").slice("sha256:".length, "sha256:".length + 12),
    minute(new Date(created)),
  ]);
  return table([["NAME", "DIGEST", "ARCHIVE", "PARENT", "NAMED"], ...rows]);
}
