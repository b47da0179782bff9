/**
 * The right to use an image: while it is held, nobody removes the image, not another process either.
 *
 * *Owns* its lease and nothing else; overlays belong to whoever gave the directory for them.
 */
import { join } from "node:path";
import { createOverlay } from "../../qcow2/create-overlay.ts";
import { topDisk } from "./chain.ts";
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
  readonly #lease: AsyncDisposable;

  /** @param lease What says that the image is in use. */
  constructor(image: Image, snapshots: ImageSnapshots, lease: AsyncDisposable) {
    this.image = image;
    this.snapshots = snapshots;
    this.#lease = lease;
  }

  /** Absolute paths for booting the image without a boot loader; undefined if it boots from its disk. */
  get directBoot(): OverlayDisk["directBoot"] {
    const { bootFiles, machine } = this.image;
    if (machine.boot === undefined || bootFiles.kernel === undefined) return undefined;
    return {
      kernel: bootFiles.kernel,
      initrd: machine.boot.initrd === undefined ? undefined : bootFiles.initrd,
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
    const { file, format } = topDisk(this.image);
    return { backingFile: file, backingFormat: format };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve(this.#lease[Symbol.asyncDispose]());
  }
}
