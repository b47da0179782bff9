/**
 * Places for disks that are put into a machine while it runs. Pure.
 *
 * A machine starts with all its places empty: in each is a small disk of zeros. So what it boots from, and what it is
 * captured with, does not depend on the disks, and a machine can be resumed before it is known which they will be.
 */
import { InvalidInputError } from "../base/errors.ts";
import { hasPci } from "./boards.ts";
import { type Cdrom, virtioPlaces } from "./cdroms.ts";
import type { MergedMachine } from "./limits.ts";

export interface DataDisk {
  /** Absolute path; the machine writes to it. */
  readonly diskFile: string;
  readonly format: "qcow2" | "raw";
  /** What the guest sees; more than {@link EMPTY_BYTES}, which is how it tells that the disk is there. */
  readonly sizeBytes: number;
}

/** Size of what is in an empty place. */
export const EMPTY_BYTES = 1_048_576;

/** On the root bus; or, of a board without PCI, transports behind that of the system disk, which stays the first. */
const PCI_PLACES = [0xa, 0xb, 0xc, 0xd, 0xe, 0xf, 0x10, 0x11];
const TRANSPORTS = [0x5, 0x7, 0x9];

const SPARE_SLOTS = 3;

type Board = Pick<MergedMachine, "chipset">;

/** Where the disks go, in the terms of the command line: what read-only disks take is gone. */
export function diskPlaces(board: Board, cdroms: readonly Cdrom[] = []): readonly number[] {
  const taken = virtioPlaces(board).slice(0, cdroms.filter(({ drive }) => drive === "virtio").length);
  return (hasPci(board) ? PCI_PLACES : TRANSPORTS).filter((place) => !taken.includes(place));
}

/**
 * With how many places to start a machine that gets `disks`: 0, 1, 2, 4, 8 or all there are, so that machines with a
 * disk more or less can be resumed from one snapshot.
 *
 * @throws {InvalidInputError} (blame: task) if the board has no room.
 */
export function chooseDiskSlots(board: Board, disks: number, cdroms: readonly Cdrom[] = []): number {
  const most = diskPlaces(board, cdroms).length;
  if (disks > most) {
    const message = `${board.chipset} has room for ${most} disks beside its own, and the task needs ${disks}`;
    throw new InvalidInputError("The machine", [{ path: "chipset", message }], "task");
  }
  return disks === 0 ? 0 : Math.min(2 ** Math.ceil(Math.log2(disks)), most);
}

/**
 * With how many places to start a machine that is to be saved, so that those which go on from there have some for disks
 * of their own: at least `disks`.
 *
 * @throws {InvalidInputError} as {@link chooseDiskSlots}.
 */
export function chooseSpareSlots(board: Board, disks: number): number {
  // Of a board with few places the last one may be needed for a CD.
  const most = hasPci(board) ? diskPlaces(board).length : diskPlaces(board).length - 1;
  return Math.max(chooseDiskSlots(board, disks), chooseDiskSlots(board, Math.min(disks + SPARE_SLOTS, most)));
}

/** By which the guest finds a disk; at most 20 bytes. src/guest/init never starts from one. */
export function diskSerial(slot: number): string {
  return `boxcar-cache-${slot}`;
}

/** Names in QEMU. */
export function diskNames(slot: number): { device: string; empty: string; full: string } {
  return { device: `data${slot}`, empty: `empty${slot}`, full: `disk-in-${slot}` };
}
