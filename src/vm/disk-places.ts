/** What is in the places for disks of a machine, by its monitor; see data-disks.ts for the places. */
import type { QmpClient } from "../qmp/client.ts";
import { type DataDisk, diskNames } from "./data-disks.ts";

/**
 * @param options.isDurable What the guest flushes is on the disk of the host; otherwise nothing of it needs to survive a
 *   crash of the host before the disk is taken out again.
 * @throws {QmpCommandError} There is no such file, somebody else writes to it, or there is no such place.
 */
export async function addDisk(
  monitor: QmpClient,
  slot: number,
  { diskFile, format }: DataDisk,
  { isDurable }: { isDurable: boolean },
): Promise<void> {
  const { full } = diskNames(slot);
  const cache = { "no-flush": !isDurable, direct: false };
  await monitor.execute("blockdev-add", {
    ...{ driver: format, "node-name": full, cache, discard: "unmap", "detect-zeroes": "unmap" },
    file: { driver: "file", filename: diskFile, cache },
  });
  await fillPlace(monitor, slot, full);
}

/** When this resolves QEMU has written all of the disk to its file, and closed it. */
export async function removeDisk(monitor: QmpClient, slot: number): Promise<void> {
  const { empty, full } = diskNames(slot);
  await fillPlace(monitor, slot, empty);
  await monitor.execute("blockdev-del", { "node-name": full });
}

async function fillPlace(monitor: QmpClient, slot: number, node: string): Promise<void> {
  const { device } = diskNames(slot);
  await monitor.execute("qom-set", { path: `/machine/peripheral/${device}`, property: "drive", value: node });
}
