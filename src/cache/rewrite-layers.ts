/** Writes the layers of a cache anew. What the guest has put into them is copied, and never looked at. */
import { runQemuImg } from "../host/qemu-img.ts";

/** All that `overlay` and what is below it hold, in a sparse file of its own. */
export async function flatten(overlay: string, target: string, signal?: AbortSignal): Promise<void> {
  await runQemuImg(["convert", "-q", "-f", "qcow2", "-O", "raw", overlay, target], { signal });
}

/** Takes into `overlay` all that is between it and `base`, on which it lies from then on. */
export async function merge(overlay: string, base: string, signal?: AbortSignal): Promise<void> {
  await runQemuImg(["rebase", "-q", "-f", "qcow2", "-F", "raw", "-b", base, overlay], { signal });
}
