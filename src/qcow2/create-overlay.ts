import { open } from "node:fs/promises";
import { buildOverlay, type OverlayOptions } from "./overlay.ts";

/** Makes an overlay at `diskFile`, an absolute path at which nothing is. */
export async function createOverlay(diskFile: string, options: OverlayOptions): Promise<void> {
  const overlay = buildOverlay(options);
  await using file = await open(diskFile, "wx", 0o600);
  for (const { offset, data } of overlay.pieces) await file.write(data, 0, data.length, offset);
  await file.truncate(overlay.bytes);
}
