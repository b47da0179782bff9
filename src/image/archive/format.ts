/** The files of an image archive, and what limits them. */
const KIB = 1_024;
const MIB = 1_024 * KIB;
const GIB = 1_024 * MIB;

/** Everything an archive may hold, in the order in which it is written: what can be checked early comes first. */
export const IMAGE_FILES = ["image.json", "machine.json", "initrd", "kernel", "layer.qcow2", "disk.img"] as const;

export type ImageFile = (typeof IMAGE_FILES)[number];

/** What no image can do without that stands alone. */
export const REQUIRED_FILES: readonly ImageFile[] = ["machine.json", "disk.img"];

/** What no image can do without that has a parent, whose disk it changes. */
export const REQUIRED_FILES_OF_CHILD: readonly ImageFile[] = ["image.json", "machine.json", "layer.qcow2"];

export interface ImageLimits {
  /** Apparent size of one file; also the largest disk a guest may see. */
  maxFileBytes: number;
  /** Free space that is left on the disk of the store, whatever is unpacked. */
  reserveBytes: number;
}

export const DEFAULT_LIMITS: ImageLimits = { maxFileBytes: 50 * GIB, reserveBytes: 512 * MIB };

/** The largest apparent size of one file. */
export function maxBytesOf(file: ImageFile, limits: ImageLimits): number {
  switch (file) {
    case "machine.json":
      return MIB;
    case "image.json":
      return 16 * MIB;
    // QEMU reads both into memory, whatever their size.
    case "kernel":
      return 256 * MIB;
    case "initrd":
      return GIB;
    default:
      return limits.maxFileBytes;
  }
}

/** The most a whole archive may unpack to: each file once, and what tar adds. */
export function maxArchiveBytes(limits: ImageLimits): number {
  return IMAGE_FILES.length * limits.maxFileBytes + 256 * MIB;
}

export function isImageFile(name: string): name is ImageFile {
  return (IMAGE_FILES as readonly string[]).includes(name);
}
