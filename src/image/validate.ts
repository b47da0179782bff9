/** Checks the unpacked files of an image; every rule of policy.ts, applied to a directory. */
import { open, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { ImageProvenance } from "../generated/image.ts";
import type { Machine } from "../generated/machine.ts";
import { parseMachine } from "../schema/machine.ts";
import { parseAs } from "../schema/parse.ts";
import { judgeCompleteness } from "./archive/entry-rules.ts";
import type { ImageFile, ImageLimits } from "./archive/format.ts";
import { ImageError } from "./errors.ts";
import { parseModestJson } from "./modest-json.ts";
import { judgeBootFiles, judgeLayer, judgeRawDisk, type LayerBase, RAW_DISK_PROBE_BYTES } from "./policy.ts";
import { parseQcow2Header, QCOW2_HEADER_BYTES } from "./qcow2-header.ts";
import { checkLayer } from "./qemu-img.ts";

/** A name and a version of each package; a machine has some dozens of values. */
const JSON_LIMITS = {
  "image.json": { maxValues: 500_000, maxDepth: 16 },
  "machine.json": { maxValues: 10_000, maxDepth: 32 },
} as const;

export interface ImageContents {
  machine: Machine;
  provenance: ImageProvenance | undefined;
  /** Size of the disk the guest sees. */
  virtualBytes: number;
}

/** The disk of the parent, which a child's layer lies on. */
export interface ParentDisk {
  /** Seen from the child's folder. */
  top: "parent/layer.qcow2" | "parent/disk.img";
  format: "qcow2" | "raw";
  virtualBytes: number;
  /** The boot files that the parent has, itself or from its own parent. */
  bootFiles: ReadonlySet<ImageFile>;
}

export interface ValidateOptions {
  /** Needed where image.json names a parent. */
  parent?: ParentDisk | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * @throws {@link InvalidInputError} machine.json or image.json do not match their schema.
 * @throws {@link ImageError} the first rule of the policy that is broken; `image-parent-missing` where the image has a
 *   parent and the caller has none to offer.
 */
export async function validateImage(
  directory: string,
  files: ReadonlySet<ImageFile>,
  limits: Pick<ImageLimits, "maxFileBytes">,
  { parent, signal }: ValidateOptions = {},
): Promise<ImageContents> {
  judgeCompleteness(files);
  const base = layerBase(await readProvenance(directory, files), parent);
  const contents = await readContents(directory, files);
  throwFirst(judgeBootFiles(contents.machine, new Set([...files, ...(parent?.bootFiles ?? [])])));
  if (files.has("disk.img")) {
    throwFirst(judgeRawDisk(await readStart(join(directory, "disk.img"), RAW_DISK_PROBE_BYTES)));
  }
  if (files.has("layer.qcow2")) {
    const layer = join(directory, "layer.qcow2");
    const header = parseQcow2Header(await readStart(layer, QCOW2_HEADER_BYTES));
    const { size: fileBytes } = await stat(layer);
    throwFirst(judgeLayer(header, { maxVirtualBytes: limits.maxFileBytes, fileBytes, base }));
    await checkLayer(layer, { signal });
  }
  return contents;
}

/** Like {@link validateImage} for an image that was validated before. */
export async function readContents(directory: string, files: ReadonlySet<ImageFile>): Promise<ImageContents> {
  const machine = parseMachine(await readJson(directory, "machine.json"), { subject: "machine.json", blame: "image" });
  const provenance = await readProvenance(directory, files);
  return { machine, provenance, virtualBytes: await readVirtualBytes(directory, files) };
}

/**
 * image.json of an unpacked image, which says whether it has a parent; undefined where it has none.
 *
 * @throws {@link InvalidInputError}
 * @throws {@link ImageError} where neither it nor its parent has a disk, or both have one.
 */
export async function readProvenance(
  directory: string,
  files: ReadonlySet<ImageFile>,
): Promise<ImageProvenance | undefined> {
  if (!files.has("image.json")) return undefined;
  const document = await readJson(directory, "image.json");
  const provenance = parseAs("image", document, { subject: "image.json", blame: "image" });
  const isChild = parentOf(provenance) !== undefined;
  if (isChild && files.has("disk.img")) {
    throw new ImageError(
      "archive-unexpected-file",
      'the archive holds "disk.img", and its image.json names a parent, whose disk is meant; leave one of them out',
    );
  }
  if (isChild || files.has("disk.img")) return provenance;
  throw new ImageError(
    "archive-missing-file",
    "the archive has no disk.img, and its image.json names no parent; this is not an image",
  );
}

/** @param digest Of the image that another one lies on. */
export function parentMissing(digest: string): ImageError {
  return new ImageError(
    "image-parent-missing",
    `the image lies on ${digest}, which is not here; import that one first, or pull this one from a registry that has both`,
    { blame: "task", details: { parent: digest } },
  );
}

/** The digest of the parent that image.json names. */
export function parentOf(provenance: ImageProvenance | undefined): string | undefined {
  return provenance?.parent?.digest;
}

/** What the layer must lie on. */
function layerBase(provenance: ImageProvenance | undefined, parent: ParentDisk | undefined): LayerBase {
  const digest = parentOf(provenance);
  if (digest === undefined) return { file: "disk.img", format: "raw" };
  if (parent === undefined) throw parentMissing(digest);
  return { file: parent.top, format: parent.format, minVirtualBytes: parent.virtualBytes };
}

async function readVirtualBytes(directory: string, files: ReadonlySet<ImageFile>): Promise<number> {
  if (!files.has("layer.qcow2")) return (await stat(join(directory, "disk.img"))).size;
  return parseQcow2Header(await readStart(join(directory, "layer.qcow2"), QCOW2_HEADER_BYTES)).virtualBytes;
}

async function readJson(directory: string, file: "image.json" | "machine.json"): Promise<unknown> {
  return parseModestJson(await readFile(join(directory, file), "utf8"), file, JSON_LIMITS[file]);
}

async function readStart(path: string, bytes: number): Promise<Buffer> {
  await using file = await open(path, "r");
  const buffer = Buffer.alloc(Math.min(bytes, (await file.stat()).size));
  const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
  return buffer.subarray(0, bytesRead);
}

function throwFirst(refusals: readonly ImageError[]): void {
  if (refusals[0] !== undefined) throw refusals[0];
}
