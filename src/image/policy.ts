/**
 * What may be booted: verdicts on the parts of an image, without touching a file.
 *
 * An empty list means that nothing is wrong; every rule that is broken is told, not only the first.
 */
import { formatBytes } from "../base/units.ts";
import type { Machine } from "../generated/machine.ts";
import { detectFormat } from "./disk-formats/detect-format.ts";
import { LAYER, shown } from "./disk-role.ts";
import { ImageError, type ImageErrorCode } from "./errors.ts";
import type { Qcow2Header } from "./qcow2-header.ts";
import { judgeQcow2, type Qcow2Limits } from "./qcow2-policy.ts";

/** What a layer must lie on. */
export interface LayerBase {
  file: "disk.img" | "parent/layer.qcow2" | "parent/disk.img";
  format: "raw" | "qcow2";
  /** The layer must not be smaller; undefined: its size does not matter. */
  minVirtualBytes?: number;
}

const OWN_DISK: LayerBase = { file: "disk.img", format: "raw" };

export interface LayerLimits extends Qcow2Limits {
  /** Default: the image's own disk. */
  base?: LayerBase;
}

/** Verdicts on `layer.qcow2`. */
export function judgeLayer(
  header: Qcow2Header,
  { maxVirtualBytes, fileBytes, base = OWN_DISK }: LayerLimits,
): ImageError[] {
  const refusals: ImageError[] = [];
  const refuse = (code: ImageErrorCode, message: string) =>
    refusals.push(new ImageError(code, `${LAYER.name} ${message}`));

  if (header.backingFile !== base.file) {
    const found =
      header.backingFile === undefined ? "has no backing file" : `has ${shown(header.backingFile)} as backing file`;
    refuse("layer-backing-file", `${found}; it must be exactly "${base.file}"`);
  }
  if (header.backingFormat !== base.format) {
    const found =
      header.backingFormat === undefined ? "does not say the format" : `says ${shown(header.backingFormat)} as format`;
    refuse(
      "layer-backing-format",
      `${found} of its backing file; it must be "${base.format}" (qemu-img create -F ${base.format})`,
    );
  }
  refusals.push(...judgeQcow2(header, { maxVirtualBytes, fileBytes }, LAYER));
  if (header.virtualBytes < (base.minVirtualBytes ?? 0)) {
    const figures = `${formatBytes(header.virtualBytes)}, and that of its parent has ${formatBytes(base.minVirtualBytes ?? 0)}`;
    refuse("layer-smaller-than-parent", `is a disk of ${figures}; it must not be smaller`);
  }
  return refusals;
}

/** How much of the raw disk {@link judgeRawDisk} wants to see. */
export const RAW_DISK_PROBE_BYTES = 512;

/**
 * Verdicts on `disk.img`. Here the format of a file is always told to QEMU; this is for the tools that would guess.
 *
 * @param start Its first {@link RAW_DISK_PROBE_BYTES}, or all of it.
 */
export function judgeRawDisk(start: Buffer): ImageError[] {
  const found = detectFormat(start);
  if (found === undefined) return [];
  return [new ImageError("disk-not-raw", `disk.img is a ${found} file; convert it with qemu-img convert -O raw`)];
}

/**
 * Verdicts on the boot files machine.json names.
 *
 * @param files What the image has, with what it has from its parent.
 */
export function judgeBootFiles(machine: Machine, files: ReadonlySet<string>): ImageError[] {
  const refusals: ImageError[] = [];
  for (const role of ["kernel", "initrd"] as const) {
    const named = machine.boot?.[role];
    if (named === undefined) continue;
    if (named !== role) {
      const message = `machine.json: boot.${role} is ${shown(named)}; the file must be named "${role}"`;
      refusals.push(new ImageError("machine-boot-file", message));
    } else if (!files.has(role)) {
      const message = `machine.json: boot.${role} names a file that is not in the archive`;
      refusals.push(new ImageError("machine-boot-file", message));
    }
  }
  return refusals;
}
