/** An image while it is made: between its stages, before it is packed. */
import type { Machine } from "../generated/machine.ts";
import type { ImageLease } from "../image/store/image-lease.ts";

export interface MutableImage {
  /** Absolute path of the work folder of the build, in which all files below are; removed with the build. */
  readonly directory: string;
  /** As it will be written into machine.json. Its `boot` names the files of the archive, or of the parent. */
  readonly machine: Machine;
  /** A qcow2 may have the disk of `base` below it, by absolute path. */
  readonly disk: MutableDisk;
  /** What it is made from; held until the build is over. Absent: it has no parent. */
  readonly base?: ImageLease;
  /** Absolute path of an own kernel. Absent: that of `base`, or none. */
  readonly kernel?: string;
  readonly initrd?: string;
  /** What is installed, as far as it is known. */
  readonly packages: readonly InstalledPackage[];
  /** What it was made from. */
  readonly sources: readonly BuildSource[];
  /** Version of the agent in it, if there is one and it is known. */
  readonly agent?: string;
}

export interface MutableDisk {
  /** Absolute path. */
  readonly file: string;
  readonly format: "raw" | "qcow2";
}

export interface InstalledPackage {
  readonly name: string;
  readonly version: string;
}

/** As `sources` of image.json has it. */
export interface BuildSource {
  readonly kind: "debian" | "image" | "disk" | "iso" | "file";
  readonly name?: string;
  readonly url?: string;
  readonly sha256?: string;
}
