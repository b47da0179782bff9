/**
 * What may be booted: verdicts on the parts of an image, without touching a file.
 *
 * An empty list means that nothing is wrong; every rule that is broken is told, not only the first.
 */
import { formatBytes } from "../base/units.ts";
import type { Machine } from "../generated/machine.ts";
import { ImageError } from "./errors.ts";
import type { Qcow2Header } from "./qcow2-header.ts";

const DIRTY = 1n << 0n;
const CORRUPT = 1n << 1n;
const EXTERNAL_DATA_FILE = 1n << 2n;
/** Another compression of clusters, and subclusters: both stay inside the file. */
const HARMLESS = (1n << 3n) | (1n << 4n);

/** What a layer must lie on. */
export interface LayerBase {
  file: "disk.img" | "parent/layer.qcow2" | "parent/disk.img";
  format: "raw" | "qcow2";
  /** The layer must not be smaller; undefined: its size does not matter. */
  minVirtualBytes?: number;
}

const OWN_DISK: LayerBase = { file: "disk.img", format: "raw" };

export interface LayerLimits {
  maxVirtualBytes: number;
  /** Default: the image's own disk. */
  base?: LayerBase;
}

/** Verdicts on `layer.qcow2`. */
export function judgeLayer(header: Qcow2Header, { maxVirtualBytes, base = OWN_DISK }: LayerLimits): ImageError[] {
  const refusals: ImageError[] = [];
  const refuse = (code: ImageError["code"], message: string) =>
    refusals.push(new ImageError(code as "layer-dirty", `layer.qcow2 ${message}`));

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
  const features = header.incompatibleFeatures;
  if (header.dataFile !== undefined || (features & EXTERNAL_DATA_FILE) !== 0n) {
    const name = header.dataFile === undefined ? "" : ` ${shown(header.dataFile)}`;
    refuse("layer-data-file", `keeps its data in another file${name}; an image's data is inside of it`);
  }
  if ((features & DIRTY) !== 0n) refuse("layer-dirty", "was not closed properly; run qemu-img check -r all on it");
  if ((features & CORRUPT) !== 0n) refuse("layer-corrupt", "is marked as corrupt; run qemu-img check on it");
  const unknown = features & ~(DIRTY | CORRUPT | EXTERNAL_DATA_FILE | HARMLESS);
  if (unknown !== 0n) refuse("layer-features", `needs features nobody here knows (bits 0x${unknown.toString(16)})`);
  if (header.encryptionMethod !== 0 || header.hasEncryptionHeader) refuse("layer-encrypted", "is encrypted");
  if (header.snapshots !== 0) {
    refuse("layer-snapshots", `holds ${header.snapshots} internal snapshots; delete them with qemu-img snapshot -d`);
  }
  if (header.virtualBytes > maxVirtualBytes) {
    const figures = `${formatBytes(header.virtualBytes)} and at most ${formatBytes(maxVirtualBytes)} are allowed`;
    refuse("layer-too-large", `is a disk of ${figures}`);
  }
  if (header.virtualBytes < (base.minVirtualBytes ?? 0)) {
    const figures = `${formatBytes(header.virtualBytes)}, and that of its parent has ${formatBytes(base.minVirtualBytes ?? 0)}`;
    refuse("layer-smaller-than-parent", `is a disk of ${figures}; it must not be smaller`);
  }
  return refusals;
}

/** How much of the raw disk {@link judgeRawDisk} wants to see. */
export const RAW_DISK_PROBE_BYTES = 512;

/** What disk formats with pointers to other files or with metadata start with; no boot sector or file system does. */
const SIGNATURES: readonly (readonly [format: string, offset: number, signature: string])[] = [
  ["qcow", 0, "QFI\xfb"],
  ["qed", 0, "QED\0"],
  ["vmdk", 0, "KDMV"],
  ["vmdk", 0, "COWD"],
  ["vmdk", 0, "# Disk DescriptorFile"],
  ["vdi", 0x40, "\x7f\x10\xda\xbe"],
  ["vpc", 0, "conectix"],
  ["vhdx", 0, "vhdxfile"],
  ["parallels", 0, "WithoutFreeSpace"],
  ["parallels", 0, "WithouFreSpacExt"],
  ["luks", 0, "LUKS\xba\xbe"],
];

/**
 * Verdicts on `disk.img`. Here the format of a file is always told to QEMU; this is for the tools that would guess.
 *
 * @param start Its first {@link RAW_DISK_PROBE_BYTES}, or all of it.
 */
export function judgeRawDisk(start: Buffer): ImageError[] {
  const found = SIGNATURES.find(
    ([, offset, signature]) => start.toString("latin1", offset, offset + signature.length) === signature,
  );
  if (found === undefined) return [];
  return [new ImageError("disk-not-raw", `disk.img is a ${found[0]} file; convert it with qemu-img convert -O raw`)];
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

function shown(text: string): string {
  return JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}…` : text);
}
