/**
 * What the boards have room for. Pure.
 *
 * `microvm` has no PCI bus, no USB and no PS/2: eight transports for virtio devices is all.
 *
 * @see QEMU system/i386/microvm
 */
import type { MergedMachine } from "./limits.ts";

type Board = Pick<MergedMachine, "chipset">;

/** The device that gives memory back. */
export const BALLOON = "virtio-balloon-pci";

/** Values of fields that stand for no device of their own. */
const NO_DEVICE: readonly string[] = ["none", "PS/2"];

export function isDevice(value: string): boolean {
  return !NO_DEVICE.includes(value);
}

export function hasPci({ chipset }: Board): boolean {
  return chipset !== "microvm";
}

/** What a virtio device is called there: it is the same one on any bus. */
export function nameOnBoard(board: Board, device: string): string {
  return hasPci(board) ? device : device.replace(/^(virtio-.+)-pci$/, "$1-device");
}

/** Whether a device that wants a PCI bus, by its name there, has a place. */
export function fitsBoard(board: Board, device: string): boolean {
  return hasPci(board) || nameOnBoard(board, device) !== device;
}
