/** An image that has been made, as an archive. */
import { copyFile, mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ImageProvenance } from "../generated/image.ts";
import { type PackOptions, packImage } from "../image/archive/pack.ts";
import { writeDifference, writeFlat } from "../image/layer.ts";
import { parentDisk } from "../image/store/parent.ts";
import { chooseZstd } from "../image/zstd/choose-zstd.ts";
import type { MutableImage } from "./mutable-image.ts";

export interface PackMutableOptions extends Pick<PackOptions, "limits" | "level" | "signal" | "onProgress"> {
  provenance: ImageProvenance;
  /** Absolute path of the archive; its folder is there. */
  output: string;
}

/**
 * The disk of the image is gone afterwards. Where its `provenance` has a parent, only what differs is packed.
 *
 * @throws everything an import of the archive would throw.
 */
export async function packMutable(image: MutableImage, options: PackMutableOptions): Promise<void> {
  const { provenance, output, limits, level, signal, onProgress } = options;
  const parts = join(image.directory, "image");
  await mkdir(parts);
  const parent = provenance.parent === undefined ? undefined : image.base?.image;
  const writing = { maxBytes: limits.maxFileBytes, signal };
  if (parent !== undefined) await writeDifference(image.disk, parent, parts, writing);
  else if (image.base === undefined && image.disk.format === "raw") {
    await rename(image.disk.file, join(parts, "disk.img"));
  } else await writeFlat(image.disk, parts, writing);
  await addBootFiles(image, parent === undefined, parts);
  await writeJson(join(parts, "machine.json"), image.machine);
  await writeJson(join(parts, "image.json"), provenance);
  await packImage(parts, output, {
    ...{ zstd: await chooseZstd(), limits, signal, onProgress },
    ...(level === undefined ? {} : { level }),
    ...(parent === undefined ? {} : { parent: parentDisk(parent) }),
  });
}

/** @param standsAlone Whether it needs those of its base too. */
async function addBootFiles(image: MutableImage, standsAlone: boolean, parts: string): Promise<void> {
  const { machine, base } = image;
  if (machine.boot === undefined) return;
  for (const role of ["kernel", "initrd"] as const) {
    const file = image[role] ?? (standsAlone ? base?.image.bootFiles[role] : undefined);
    const name = machine.boot[role];
    if (file !== undefined && name !== undefined) await copyFile(file, join(parts, name));
  }
}

async function writeJson(file: string, value: unknown): Promise<void> {
  await writeFile(file, `${JSON.stringify(value, undefined, 2)}\n`);
}
