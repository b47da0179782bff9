/** How the file of a disk is called where something is wrong with it. */
import { type DiskFault, ImageError, type ImageErrorCode } from "./errors.ts";

export interface DiskRole {
  readonly prefix: "layer" | "disk";
  /** First word of the message. */
  readonly name: string;
  /** The file is not even of the format it is said to have. */
  readonly otherFormat: ImageErrorCode;
}

/** Of an image. */
export const LAYER: DiskRole = { prefix: "layer", name: "layer.qcow2", otherFormat: "layer-not-qcow2" };

/** A disk that an image is to be made of. */
export function foreignDisk(name: string): DiskRole {
  return { prefix: "disk", name, otherFormat: "disk-other-format" };
}

/** @param what Goes on after the name of the file. */
export function refusal({ prefix, name }: DiskRole, fault: DiskFault, what: string): ImageError {
  return new ImageError(`${prefix}-${fault}`, `${name} ${what}`);
}

/** Text out of a hostile file, for a message. */
export function shown(text: string): string {
  return JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}…` : text);
}
