/** An image in a store: what its archive holds, if that was kept, and what an import would refuse. */
import { stat } from "node:fs/promises";
import { dirname } from "node:path";
import { WorkerError } from "../../base/errors.ts";
import type { ImageFile } from "../archive/format.ts";
import { ImageError } from "../errors.ts";
import { fileSource } from "../store/archive-source.ts";
import type { Image } from "../store/image.ts";
import { validateImage } from "../validate.ts";
import { findingsOf, type VerifiedImage, type VerifyOptions, verifyArchive } from "./verify-archive.ts";

/**
 * @param archiveFile Its archive; undefined where that was not kept.
 * @param image Leased by the caller.
 * @throws as {@link verifyArchive}; {@link ImageError} `image-damaged`.
 */
export async function verifyStored(
  image: Image,
  archiveFile: string | undefined,
  options: Omit<VerifyOptions, "compareWith">,
): Promise<VerifiedImage> {
  const [anyFile] = Object.values(image.files);
  const directory = dirname(anyFile as string);
  const files = new Set(Object.keys(image.files) as ImageFile[]);
  const parent = image.parent === undefined ? undefined : await options.findParent?.(image.parent);
  const contents = await validateImage(directory, files, options.limits, { parent, signal: options.signal });
  if (archiveFile !== undefined) {
    const source = { ...(await fileSource(archiveFile)), sha256: image.digest.slice("sha256:".length) };
    try {
      return await verifyArchive(source, { ...options, compareWith: directory });
    } catch (error) {
      throw options.signal?.aborted === true ? error : damagedArchive(error);
    }
  }
  const sizes = await Promise.all(
    [...files].map(async (name) => {
      const { size, blocks } = await stat(image.files[name] as string);
      return { name, bytes: size, dataBytes: Math.min(size, blocks * 512) };
    }),
  );
  return {
    digest: image.digest,
    archiveBytes: image.sizes.archiveBytes,
    files: sizes,
    machine: contents.machine,
    provenance: contents.provenance,
    parent: image.parent,
    virtualBytes: contents.virtualBytes,
    findings: [
      ...findingsOf(contents.provenance),
      { code: "archive-not-kept", message: "its archive was not kept: nothing tells whether its disk has changed" },
    ],
  };
}

/** The image in the store was fine when it came; what is wrong with its archive now has happened here. */
function damagedArchive(error: unknown): unknown {
  if (!(error instanceof WorkerError) || error.code === "image-damaged" || error.blame === "host") return error;
  return new ImageError(
    "image-damaged",
    `the archive that is kept beside the image is damaged: ${error.message}; remove the image and import it again`,
    { blame: "host", cause: error },
  );
}
