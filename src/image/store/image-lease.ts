/**
 * The right to use an image: while it is held, nobody removes the image, not another process either.
 *
 * *Owns* its lease file and nothing else; overlays belong to whoever gave the directory for them.
 */
import { open, rm } from "node:fs/promises";
import { join } from "node:path";
import { buildOverlay } from "../qcow2-overlay.ts";
import type { Image } from "./image.ts";

/** A disk of its own for one machine, on top of the image; fits the port of the machine. */
export interface OverlayDisk {
  readonly diskFile: string;
  readonly format: "qcow2";
  readonly directBoot: { kernel: string; initrd: string | undefined; cmdline: string } | undefined;
}

export class ImageLease implements AsyncDisposable {
  readonly image: Image;
  readonly #leaseFile: string;
  #release: Promise<void> | undefined;

  /** @param leaseFile Exists already. */
  constructor(image: Image, leaseFile: string) {
    this.image = image;
    this.#leaseFile = leaseFile;
  }

  /**
   * Makes an empty overlay, `disk.qcow2`, in a directory of the caller, who removes it before the lease ends.
   *
   * @param directory Absolute path.
   */
  async createOverlay(directory: string): Promise<OverlayDisk> {
    const { files, machine, sizes } = this.image;
    const layer = files["layer.qcow2"];
    const base = files["disk.img"];
    if (base === undefined) throw new Error("an image without disk.img came into the store");
    const overlay = buildOverlay({
      virtualBytes: sizes.virtualBytes,
      backingFile: layer ?? base,
      backingFormat: layer === undefined ? "raw" : "qcow2",
    });
    const diskFile = join(directory, "disk.qcow2");
    await using file = await open(diskFile, "wx", 0o600);
    for (const { offset, data } of overlay.pieces) await file.write(data, 0, data.length, offset);
    await file.truncate(overlay.bytes);
    const kernel = machine.boot === undefined ? undefined : files.kernel;
    const directBoot =
      kernel === undefined
        ? undefined
        : {
            kernel,
            initrd: machine.boot?.initrd === undefined ? undefined : files.initrd,
            cmdline: machine.boot?.cmdline ?? "",
          };
    return { diskFile, format: "qcow2", directBoot };
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#release ??= rm(this.#leaseFile, { force: true });
    return this.#release;
  }
}
