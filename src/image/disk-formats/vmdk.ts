/**
 * The header of a VMDK that is one file with everything in it: monolithicSparse, and streamOptimized with its real
 * header at the end. Pure.
 *
 * A VMDK may also be a text that names other files, and a capacity of 0 makes QEMU read it as that.
 *
 * @see VMware, "Virtual Disk Format 5.0", "Hosted Sparse Extents"
 */
import { formatBytes } from "../../base/units.ts";
import { type DiskRole, refusal } from "../disk-role.ts";
import { isPowerOfTwo, readSize } from "./fields.ts";
import type { DiskLimits } from "./limits.ts";

export const SECTOR_BYTES = 512;
export const VMDK_HEADER_BYTES = 512;
/** Marker, header and end of stream, a sector each. */
export const VMDK_FOOTER_BYTES = 3 * SECTOR_BYTES;

export interface VmdkHeader {
  virtualBytes: number;
  descriptor: { offset: number; bytes: number };
  /** The tables are told by the copy of the header at the end. */
  hasFooter: boolean;
}

const MAGIC = "KDMV";
const MAX_VERSION = 3;
const LINE_ENDS = "\n \r\n";

const FLAG_LINE_ENDS = 1 << 0;
const FLAG_REDUNDANT_DIRECTORY = 1 << 1;
const FLAG_ZERO_GRAINS = 1 << 2;
const FLAG_COMPRESSED = 1 << 16;
const FLAG_MARKERS = 1 << 17;
const KNOWN_FLAGS = FLAG_LINE_ENDS | FLAG_REDUNDANT_DIRECTORY | FLAG_ZERO_GRAINS | FLAG_COMPRESSED | FLAG_MARKERS;
const DEFLATE = 1;

const DIRECTORY_AT_END = 0xffff_ffff_ffff_ffffn;
const DIRECTORY_OFFSET = 56;
const ENTRY_BYTES = 4;
const ENTRIES_OF_TABLE = 512;
const MIN_GRAIN_SECTORS = 8;
/** 2 MiB: a reader keeps some grains in memory. */
const MAX_GRAIN_SECTORS = 4_096;
/** Where QEMU looks for it, whatever the header says. */
const DESCRIPTOR_SECTOR = 1;
const MAX_DESCRIPTOR_SECTORS = 128;

const MARKER_FOOTER = 3;

/** @throws {@link ImageError} the first thing that is wrong with it. */
export function parseVmdkHeader(header: Buffer, fileBytes: number, limits: DiskLimits, role: DiskRole): VmdkHeader {
  const corrupt = (what: string) => refusal(role, "corrupt", `is corrupt: ${what}`);
  if (header.length < VMDK_HEADER_BYTES || header.toString("latin1", 0, 4) !== MAGIC) {
    throw refusal(role, "data-file", "is no VMDK that stands alone; convert it with qemu-img convert -O vmdk first");
  }
  const version = header.readUInt32LE(4);
  if (version < 1 || version > MAX_VERSION) throw refusal(role, "features", `is VMDK of version ${version}`);
  const flags = header.readUInt32LE(8);
  const unknown = flags & ~KNOWN_FLAGS;
  if (unknown !== 0)
    throw refusal(role, "features", `needs features nobody here knows (0x${(unknown >>> 0).toString(16)})`);
  if ((flags & FLAG_LINE_ENDS) !== 0 && header.toString("latin1", 73, 77) !== LINE_ENDS) {
    throw corrupt("its line ends were changed, as by a transfer as text");
  }
  const isCompressed = (flags & FLAG_COMPRESSED) !== 0;
  const compression = header.readUInt16LE(77);
  if (compression > DEFLATE)
    throw refusal(role, "features", `is compressed in a way nobody here knows (${compression})`);
  if (isCompressed !== (compression === DEFLATE))
    throw corrupt("it says both that it is compressed and that it is not");

  const capacity = readSize(header, 12);
  if (capacity === 0) throw refusal(role, "data-file", "says that it has no data itself, but names files that have");
  if (capacity === undefined || capacity * SECTOR_BYTES > limits.maxVirtualBytes) {
    const found = capacity === undefined ? "2^62 bytes or more" : formatBytes(capacity * SECTOR_BYTES);
    throw refusal(
      role,
      "too-large",
      `is a disk of ${found} and at most ${formatBytes(limits.maxVirtualBytes)} are allowed`,
    );
  }
  const grain = readSize(header, 20);
  if (grain === undefined || !isPowerOfTwo(grain) || grain < MIN_GRAIN_SECTORS || grain > MAX_GRAIN_SECTORS) {
    throw corrupt(`its grains have ${grain} sectors`);
  }
  const tableEntries = header.readUInt32LE(44);
  if (tableEntries !== ENTRIES_OF_TABLE) throw corrupt(`its grain tables have ${tableEntries} entries`);
  const directoryBytes = Math.ceil(capacity / (grain * ENTRIES_OF_TABLE)) * ENTRY_BYTES;

  const judgeDirectory = (what: string, offset: number): void => {
    const sector = readSize(header, offset);
    if (sector === undefined || sector * SECTOR_BYTES + directoryBytes > fileBytes) {
      throw corrupt(`its ${what} lies beyond the end of the file`);
    }
    if (sector === 0) throw corrupt(`its ${what} lies in its header`);
  };
  const hasFooter = header.readBigUInt64LE(DIRECTORY_OFFSET) === DIRECTORY_AT_END;
  if (hasFooter && fileBytes < VMDK_HEADER_BYTES + VMDK_FOOTER_BYTES) throw corrupt("it is cut off");
  if (!hasFooter) judgeDirectory("grain directory", DIRECTORY_OFFSET);
  if ((flags & FLAG_REDUNDANT_DIRECTORY) !== 0 && !hasFooter) judgeDirectory("second grain directory", 48);

  const [descriptorSector, descriptorSectors] = [readSize(header, 28), readSize(header, 36)];
  if (descriptorSector !== DESCRIPTOR_SECTOR) throw corrupt("its descriptor is not in its second sector");
  if (
    descriptorSectors === undefined ||
    descriptorSectors < 1 ||
    descriptorSectors > MAX_DESCRIPTOR_SECTORS ||
    (descriptorSector + descriptorSectors) * SECTOR_BYTES > fileBytes
  ) {
    throw corrupt(`its descriptor has ${descriptorSectors} sectors`);
  }
  return {
    virtualBytes: capacity * SECTOR_BYTES,
    descriptor: { offset: descriptorSector * SECTOR_BYTES, bytes: descriptorSectors * SECTOR_BYTES },
    hasFooter,
  };
}

/**
 * The end of a streamOptimized file; its copy of the header is what a reader uses.
 *
 * @param footer The last {@link VMDK_FOOTER_BYTES} of the file.
 * @throws {@link ImageError} unless it says the same as the header but where the tables are.
 */
export function judgeVmdkFooter(
  header: Buffer,
  footer: Buffer,
  fileBytes: number,
  limits: DiskLimits,
  role: DiskRole,
): void {
  const corrupt = (what: string) => refusal(role, "corrupt", `is corrupt: ${what}`);
  const copy = footer.subarray(SECTOR_BYTES, 2 * SECTOR_BYTES);
  const hasMarker =
    footer.length === VMDK_FOOTER_BYTES && footer.readUInt32LE(8) === 0 && footer.readUInt32LE(12) === MARKER_FOOTER;
  if (!hasMarker || copy.toString("latin1", 0, 4) !== MAGIC) throw corrupt("it has no footer; it may be cut off");
  const withoutPlaces = (bytes: Buffer) => {
    const rest = Buffer.from(bytes.subarray(0, 79));
    return rest.fill(0, 48, 64);
  };
  if (!withoutPlaces(copy).equals(withoutPlaces(header))) throw corrupt("header and footer contradict each other");
  if (copy.readBigUInt64LE(DIRECTORY_OFFSET) === DIRECTORY_AT_END)
    throw corrupt("its footer does not say where its tables are");
  parseVmdkHeader(copy, fileBytes, limits, role);
}
