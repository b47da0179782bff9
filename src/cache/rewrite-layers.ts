/** Writes the layers of a cache anew. What the guest has put into them is copied, and never looked at. */
import { runCommand } from "../host/command.ts";

/** Far above what is needed; the files were written on behalf of a guest. */
const LIMITS = { addressSpaceBytes: 4 * 1_024 ** 3 };

/** All that `overlay` and what is below it hold, in a sparse file of its own. */
export async function flatten(overlay: string, target: string, signal?: AbortSignal): Promise<void> {
  await runCommand(["qemu-img", "convert", "-q", "-f", "qcow2", "-O", "raw", overlay, target], {
    limits: LIMITS,
    signal,
  });
}

/** Takes into `overlay` all that is between it and `base`, on which it lies from then on. */
export async function merge(overlay: string, base: string, signal?: AbortSignal): Promise<void> {
  await runCommand(["qemu-img", "rebase", "-q", "-f", "qcow2", "-F", "raw", "-b", base, overlay], {
    limits: LIMITS,
    signal,
  });
}
