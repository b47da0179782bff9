/** Checks the unpacked files of an image; every rule of policy.ts, applied to a directory. */
import { open, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { InvalidInputError, messageOf } from "../base/errors.ts";
import type { ImageProvenance } from "../generated/image.ts";
import type { Machine } from "../generated/machine.ts";
import { parseMachine } from "../schema/machine.ts";
import { parseAs } from "../schema/parse.ts";
import type { ImageFile, ImageLimits } from "./archive/format.ts";
import type { ImageError } from "./errors.ts";
import { judgeBootFiles, judgeLayer, judgeRawDisk, RAW_DISK_PROBE_BYTES } from "./policy.ts";
import { parseQcow2Header, QCOW2_HEADER_BYTES } from "./qcow2-header.ts";

export interface ImageContents {
  machine: Machine;
  provenance: ImageProvenance | undefined;
  /** Size of the disk the guest sees. */
  virtualBytes: number;
}

/**
 * @throws {@link InvalidInputError} machine.json or image.json do not match their schema.
 * @throws {@link ImageError} the first rule of the policy that is broken.
 */
export async function validateImage(
  directory: string,
  files: ReadonlySet<ImageFile>,
  limits: Pick<ImageLimits, "maxFileBytes">,
): Promise<ImageContents> {
  const contents = await readContents(directory, files);
  throwFirst(judgeBootFiles(contents.machine, files));
  throwFirst(judgeRawDisk(await readStart(join(directory, "disk.img"), RAW_DISK_PROBE_BYTES)));
  if (files.has("layer.qcow2")) {
    const header = parseQcow2Header(await readStart(join(directory, "layer.qcow2"), QCOW2_HEADER_BYTES));
    throwFirst(judgeLayer(header, { maxVirtualBytes: limits.maxFileBytes }));
  }
  return contents;
}

/** Like {@link validateImage} for an image that was validated before. */
export async function readContents(directory: string, files: ReadonlySet<ImageFile>): Promise<ImageContents> {
  const machine = parseMachine(await readJson(directory, "machine.json"), { subject: "machine.json", blame: "image" });
  const provenance = files.has("image.json")
    ? parseAs("image", await readJson(directory, "image.json"), { subject: "image.json", blame: "image" })
    : undefined;
  return { machine, provenance, virtualBytes: await readVirtualBytes(directory, files) };
}

async function readVirtualBytes(directory: string, files: ReadonlySet<ImageFile>): Promise<number> {
  if (!files.has("layer.qcow2")) return (await stat(join(directory, "disk.img"))).size;
  return parseQcow2Header(await readStart(join(directory, "layer.qcow2"), QCOW2_HEADER_BYTES)).virtualBytes;
}

async function readJson(directory: string, file: ImageFile): Promise<unknown> {
  const text = await readFile(join(directory, file), "utf8");
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new InvalidInputError(file, [{ path: "", message: `is not JSON: ${messageOf(error)}` }], "image");
  }
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
