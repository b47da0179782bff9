/** The image store of a configuration. */
import type { Config } from "../config/config.ts";
import { ImageStore } from "../image/store/image-store.ts";

export async function openStore({ images }: Config): Promise<ImageStore> {
  return await ImageStore.open({ directory: images.directory, limits: { maxFileBytes: images.maxSizeBytes } });
}
