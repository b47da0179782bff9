/** Which files a machine that runs writes to, by its monitor; see data-disks.ts for the places of further disks. */
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
  await openNode(monitor, full, { driver: format }, { file: diskFile, isDurable });
  await fillPlace(monitor, slot, full);
}

/**
 * Has the machine write its own disk to an empty qcow2 file; the one it has written to so far lies below, and is only
 * read.
 *
 * @param node Name of a node that is not there yet.
 */
export async function layDisk(
  monitor: QmpClient,
  node: string,
  { file, isDurable }: { file: string; isDurable: boolean },
): Promise<void> {
  await openNode(monitor, node, { driver: "qcow2", backing: null }, { file, isDurable });
  await monitor.execute("blockdev-snapshot", { node: "disk0", overlay: node });
}

/** When this resolves QEMU has written all of the disk to its file, and closed it. */
export async function removeDisk(monitor: QmpClient, slot: number): Promise<void> {
  const { empty, full } = diskNames(slot);
  await fillPlace(monitor, slot, empty);
  await monitor.execute("blockdev-del", { "node-name": full });
}

async function openNode(
  monitor: QmpClient,
  node: string,
  format: { driver: string; backing?: null },
  { file, isDurable }: { file: string; isDurable: boolean },
): Promise<void> {
  const cache = { "no-flush": !isDurable, direct: false };
  await monitor.execute("blockdev-add", {
    ...{ ...format, "node-name": node, cache, discard: "unmap", "detect-zeroes": "unmap" },
    file: { driver: "file", filename: file, cache },
  });
}

async function fillPlace(monitor: QmpClient, slot: number, node: string): Promise<void> {
  const { device } = diskNames(slot);
  await monitor.execute("qom-set", { path: `/machine/peripheral/${device}`, property: "drive", value: node });
}
