/** Machines that can be saved at any instant: the room they need, and what is known of them then. */
import { mkdir } from "node:fs/promises";
import { requireDiskSpace } from "../image/disk-space.ts";
import { recordedMachine } from "../snapshot/restore-machine.ts";
import { describeHost } from "../snapshot/same-host.ts";
import type { HardwareFacts } from "../snapshot/saved-machine.ts";
import type { ResolvedMachine } from "../vm/limits.ts";
import type { LaunchOptions } from "./launch.ts";

const MIB = 1_048_576;
/** Kept free on the disk of the machines, however much memory is on it. */
const RESERVE_BYTES = 1_024 * MIB;

/** @throws {ImageError} `disk-space-low`: its memory, which is a file, might not fit. */
export async function requireMemoryRoom(directory: string, { memory }: Pick<ResolvedMachine, "memory">): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await requireDiskSpace(directory, memory * MIB, RESERVE_BYTES, "the memory of the machine");
}

export async function hardwareFacts({
  image,
  machine,
  accelerator,
  qemuBinary,
  diskSlots = 0,
}: Pick<LaunchOptions, "image" | "machine" | "accelerator" | "qemuBinary" | "diskSlots">): Promise<HardwareFacts> {
  return {
    ...(await describeHost(qemuBinary, accelerator)),
    image: { digest: image.image.digest },
    machine: recordedMachine(machine),
    ...(diskSlots === 0 ? {} : { diskSlots }),
  };
}
