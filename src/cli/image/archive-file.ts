/** Archives that commands are given by their path. */
import { codeOf } from "../../base/errors.ts";
import type { Config } from "../../config/config.ts";
import { DEFAULT_LIMITS } from "../../image/archive/format.ts";
import { fileSource } from "../../image/store/archive-source.ts";
import type { ImageStore } from "../../image/store/image-store.ts";
import { StoreLayout } from "../../image/store/layout.ts";
import { parentDisk } from "../../image/store/parent.ts";
import { ARCHIVE_ENDING } from "../../image/store/reference.ts";
import { type VerifiedImage, type VerifyOptions, verifyArchive } from "../../image/verify/verify-archive.ts";
import { chooseZstd } from "../../image/zstd/choose-zstd.ts";
import type { CliContext } from "../context.ts";
import type { ProgressBar } from "../progress-bar.ts";

/** Whether an archive is meant, and not an image of the store. Pure: no name and no digest is like that. */
export function isArchivePath(text: string): boolean {
  return text.includes("/") || text.endsWith(ARCHIVE_ENDING);
}

export interface VerifyParts {
  store: ImageStore;
  config: Config;
  context: CliContext;
  bar: ProgressBar;
}

/** @throws Whatever an import would throw. */
export async function verifyFile(file: string, parts: VerifyParts): Promise<VerifiedImage> {
  return await verifyArchive(await fileSource(file), await verifyOptions(parts));
}

export async function verifyOptions({ store, config, context, bar }: VerifyParts): Promise<VerifyOptions> {
  return {
    zstd: await chooseZstd(),
    limits: { ...DEFAULT_LIMITS, maxFileBytes: config.images.maxSizeBytes },
    // Whatever is left there is removed by the next process that opens the store.
    workDirectory: StoreLayout.existing(config.images.directory).path("staging"),
    signal: context.signal,
    findParent: async (digest) => {
      const parent = await store.inspect(digest).catch((error: unknown) => {
        if (codeOf(error) === "image-not-found") return undefined;
        throw error;
      });
      return parent && parentDisk(parent);
    },
    onProgress: bar.reporter("checking the image"),
  };
}
