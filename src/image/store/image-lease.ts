/**
 * The right to use an image: while it is held, nobody removes the image, not another process either.
 *
 * *Owns* its lease file and nothing else; overlays belong to whoever gave the directory for them.
 */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { createOverlay } from "../../qcow2/create-overlay.ts";
import type { Image } from "./image.ts";
import type { ImageSnapshots, Snapshot } from "./snapshots.ts";

/** A disk of its own for one machine, on top of the image; fits the port of the machine. */
export interface OverlayDisk {
  readonly diskFile: string;
  readonly format: "qcow2";
  readonly directBoot: { kernel: string; initrd: string | undefined; cmdline: string } | undefined;
}

export class ImageLease implements AsyncDisposable {
  readonly image: Image;
  readonly snapshots: ImageSnapshots;
  readonly #leaseFile: string;
  #release: Promise<void> | undefined;

  /** @param leaseFile Exists already. */
  constructor(image: Image, snapshots: ImageSnapshots, leaseFile: string) {
    this.image = image;
    this.snapshots = snapshots;
    this.#leaseFile = leaseFile;
  }

  /** Absolute paths for booting the image without a boot loader; undefined if it boots from its disk. */
  get directBoot(): OverlayDisk["directBoot"] {
    const { files, machine } = this.image;
    if (machine.boot === undefined || files.kernel === undefined) return undefined;
    return {
      kernel: files.kernel,
      initrd: machine.boot.initrd === undefined ? undefined : files.initrd,
      cmdline: machine.boot.cmdline ?? "",
    };
  }

  /**
   * Makes an empty overlay, `disk.qcow2`, in a directory of the caller, who removes it before the lease ends.
   *
   * @param directory Absolute path.
   * @param snapshot Makes it lie on what this machine had written, instead of on the image itself.
   */
  async createOverlay(directory: string, snapshot?: Snapshot): Promise<OverlayDisk> {
    const diskFile = join(directory, "disk.qcow2");
    await createOverlay(diskFile, { virtualBytes: this.image.sizes.virtualBytes, ...this.#backing(snapshot) });
    return { diskFile, format: "qcow2", directBoot: this.directBoot };
  }

  #backing(snapshot: Snapshot | undefined): { backingFile: string; backingFormat: "raw" | "qcow2" } {
    if (snapshot !== undefined) return { backingFile: snapshot.files["disk.qcow2"], backingFormat: "qcow2" };
    const { "layer.qcow2": layer, "disk.img": base } = this.image.files;
    if (layer !== undefined) return { backingFile: layer, backingFormat: "qcow2" };
    if (base === undefined) throw new Error("an image without disk.img came into the store");
    return { backingFile: base, backingFormat: "raw" };
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#release ??= rm(this.#leaseFile, { force: true });
    return this.#release;
  }
}
