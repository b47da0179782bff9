/**
 * Files that a machine may read and never writes, such as an installer or what cloud-init is to do. Pure.
 *
 * They are part of the hardware: there from the start, always in the same places.
 */
import { InvalidInputError, type Issue } from "../base/errors.ts";
import { hasPci } from "./boards.ts";
import type { MergedMachine } from "./limits.ts";

export interface Cdrom {
  /** Absolute path. */
  readonly file: string;
  /**
   * `board`: a CD drive of the board, from which firmware can boot. `virtio`: a small read-only disk, which kernels made
   * for clouds see too; they have no driver for drives.
   */
  readonly drive: "board" | "virtio";
}

/** What a machine tries first; one without anything to boot there goes on with the disk. */
export type BootFrom = "disk" | "cdrom";

type Board = Pick<MergedMachine, "chipset">;

/** The first place of each controller is the disk's. */
const BOARD_PLACES: Readonly<Record<MergedMachine["chipset"], readonly string[]>> = {
  q35: ["bus=ide.1", "bus=ide.2"],
  pc: ["bus=ide.1,unit=0", "bus=ide.1,unit=1"],
  microvm: [],
};

/** Slots behind those of the data disks; of a board without PCI the last transport, which is then no data disk's. */
const PCI_SLOTS = [0x12, 0x13];
const TRANSPORTS = [0x9];

export function boardPlaces({ chipset }: Board): readonly string[] {
  return BOARD_PLACES[chipset];
}

export function virtioPlaces(board: Board): readonly number[] {
  return hasPci(board) ? PCI_SLOTS : TRANSPORTS;
}

export function findCdromIssues(board: Board, cdroms: readonly Cdrom[], bootFrom: BootFrom = "disk"): Issue[] {
  const path = "chipset";
  const { chipset } = board;
  const onBoard = cdroms.filter(({ drive }) => drive === "board").length;
  const places = boardPlaces(board).length;
  if (onBoard > 0 && places === 0) return [{ path, message: `${chipset} has no CD drives; use q35` }];
  if (onBoard > places) return [{ path, message: `${chipset} has ${places} CD drives, and ${onBoard} are needed` }];
  const others = cdroms.length - onBoard;
  const slots = virtioPlaces(board).length;
  if (others > slots) {
    return [{ path, message: `${chipset} has room for ${slots} read-only disks, and ${others} are needed` }];
  }
  return bootFrom === "cdrom" && onBoard === 0 ? [{ path, message: "there is no CD drive to boot from" }] : [];
}

/** @throws {InvalidInputError} (blame: task) if the board has no such drives. */
export function requireCdromPlaces(board: Board, cdroms: readonly Cdrom[], bootFrom?: BootFrom): void {
  const issues = findCdromIssues(board, cdroms, bootFrom);
  if (issues.length > 0) throw new InvalidInputError("The machine", issues, "task");
}
