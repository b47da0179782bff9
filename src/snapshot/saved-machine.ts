/** What is in the store. */
import type { MachineSnapshot } from "../generated/machine-snapshot.ts";

export type SnapshotKind = MachineSnapshot["kind"];

/** A machine as it was at one instant. */
export interface SavedMachine {
  readonly kind: "machine";
  readonly id: string;
  readonly record: MachineSnapshot;
  /** Absolute path of the folder with its files. Nothing in it is ever changed. */
  readonly directory: string;
  readonly created: Date;
  /** undefined: never. */
  readonly expires: Date | undefined;
  /** What its files take on the disk. Layers of the disk that other machines have too are counted with each of them. */
  readonly diskBytes: number;
}

/** What is there is not what was written; it can only be removed. */
export interface DamagedMachine {
  readonly kind: "damaged";
  readonly id: string;
  readonly why: string;
  readonly diskBytes: number;
}

export type SnapshotEntry = SavedMachine | DamagedMachine;

/** What a record says that is not known from the files. */
export type SnapshotFacts = Omit<MachineSnapshot, "version" | "id" | "files" | "layers">;

/** What a record says of a machine itself, whatever it is saved for. */
export type HardwareFacts = Pick<SnapshotFacts, "image" | "machine" | "accelerator" | "qemu" | "cpu" | "diskSlots">;

export const RECORD_FILE = "record.json";
export const MEMORY_FILE = "memory";
export const STATE_FILE = "state";
export const CONSOLE_FILE = "console";
/** The variables of UEFI. */
export const FIRMWARE_FILE = "firmware";
/** What its TPM remembers. */
export const TPM_FILE = "tpm";

export function layerFile(number: number): string {
  return `disk.${number}.qcow2`;
}

/** The file a machine writes to, whose disk consists of so many. */
export function topLayer(layers: number): string {
  return layerFile(layers - 1);
}

export function dataDiskFile({ slot, format }: { slot: number; format: "qcow2" | "raw" }): string {
  return `data.${slot}.${format}`;
}

export function cdromFile(index: number): string {
  return `cd.${index}.iso`;
}
