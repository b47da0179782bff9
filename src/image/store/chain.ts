/** Images that lie on each other. Pure. */
import { join } from "node:path";
import type { ImageFile } from "../archive/format.ts";
import { ImageError } from "../errors.ts";
import type { ParentDisk } from "../validate.ts";
import type { ImageDigest } from "./reference.ts";

/** Images of a chain, the first one and the one on top included. */
export const MAX_CHAIN_LENGTH = 16;

/** An image below another one, as far as that one has to know it. */
export interface Ancestor {
  digest: ImageDigest;
  files: ImageFile[];
}

export interface BootFiles {
  readonly kernel: string | undefined;
  readonly initrd: string | undefined;
}

/** A disk that machines may lie on. */
export interface DiskFile {
  /** Absolute path. */
  readonly file: string;
  readonly format: "raw" | "qcow2";
}

/** The disk of an image: the file that overlays and the layers of children lie on. */
export function topDisk({ files }: { files: Readonly<Partial<Record<ImageFile, string>>> }): DiskFile {
  const { "layer.qcow2": layer, "disk.img": base } = files;
  if (layer !== undefined) return { file: layer, format: "qcow2" };
  if (base === undefined) throw new Error("an image without a disk came into the store");
  return { file: base, format: "raw" };
}

/** That file as a child calls it, whose folder has the image as `parent`. */
export function parentTop(files: Readonly<Partial<Record<ImageFile, string>>>): Pick<ParentDisk, "top" | "format"> {
  if (files["layer.qcow2"] !== undefined) return { top: "parent/layer.qcow2", format: "qcow2" };
  return { top: "parent/disk.img", format: "raw" };
}

/**
 * Each of both is the one of the nearest image that has it.
 *
 * @param chain From the image itself to the one below all others.
 * @param directoryOf Where the files of an image are.
 */
export function findBootFiles(chain: readonly Ancestor[], directoryOf: (digest: ImageDigest) => string): BootFiles {
  const find = (role: "kernel" | "initrd") => {
    const owner = chain.find(({ files }) => files.includes(role));
    return owner === undefined ? undefined : join(directoryOf(owner.digest), role);
  };
  return { kernel: find("kernel"), initrd: find("initrd") };
}

/** @throws {@link ImageError} `image-chain-too-deep`. */
export function requireChainLength(length: number): void {
  if (length <= MAX_CHAIN_LENGTH) return;
  throw new ImageError(
    "image-chain-too-deep",
    `the image lies on ${length - 1} others or more, and a chain has at most ${MAX_CHAIN_LENGTH} images; ` +
      "build it without --layer, then it stands alone",
    { details: { maxLength: MAX_CHAIN_LENGTH } },
  );
}
