/**
 * Verdicts on the header of any qcow2 file, whatever it lies on. Pure.
 *
 * What is refused here either reaches out of the file, makes QEMU take memory or time beyond what the disk is worth, or
 * is read differently by different programs.
 *
 * @see QEMU docs/interop/qcow2.txt
 */
import { formatBytes } from "../base/units.ts";
import { type DiskRole, refusal, shown } from "./disk-role.ts";
import type { DiskFault, ImageError } from "./errors.ts";
import type { Qcow2Header } from "./qcow2-header.ts";

export interface Qcow2Limits {
  maxVirtualBytes: number;
  /** The file's own size; undefined: what lies beyond its end is not looked for. */
  fileBytes?: number | undefined;
}

const DIRTY = 1n << 0n;
const CORRUPT = 1n << 1n;
const EXTERNAL_DATA_FILE = 1n << 2n;
const COMPRESSION_TYPE = 1n << 3n;
const EXTENDED_L2 = 1n << 4n;
const KNOWN = DIRTY | CORRUPT | EXTERNAL_DATA_FILE | COMPRESSION_TYPE | EXTENDED_L2;

const AUTOCLEAR_BITMAPS = 1n << 0n;
const AUTOCLEAR_RAW_DATA_FILE = 1n << 1n;

const MIB = 1_024 ** 2;
const TABLE_ENTRY_BYTES = 8;
/** As QEMU has them. */
const MAX_L1_BYTES = 32 * MIB;
const MAX_REFCOUNT_TABLE_BYTES = 8 * MIB;
const MAX_REFCOUNT_ORDER = 6;
const MIN_CLUSTER_BITS_OF_SUBCLUSTERS = 14;
const ZSTD_COMPRESSION = 1;

type Refuse = (fault: DiskFault, what: string) => void;

export function judgeQcow2(header: Qcow2Header, limits: Qcow2Limits, role: DiskRole): ImageError[] {
  const refusals: ImageError[] = [];
  const refuse: Refuse = (fault, what) => refusals.push(refusal(role, fault, what));
  judgeFeatures(header, refuse);
  if (header.encryptionMethod !== 0 || header.hasEncryptionHeader) refuse("encrypted", "is encrypted");
  if (header.snapshots !== 0) {
    refuse("snapshots", `holds ${header.snapshots} internal snapshots; delete them with qemu-img snapshot -d`);
  }
  if (header.virtualBytes > limits.maxVirtualBytes) {
    const figures = `${formatBytes(header.virtualBytes)} and at most ${formatBytes(limits.maxVirtualBytes)} are allowed`;
    refuse("too-large", `is a disk of ${figures}`);
  } else {
    judgeTables(header, limits.fileBytes, (what) => refuse("corrupt", `is corrupt: ${what}`));
  }
  return refusals;
}

function judgeFeatures(header: Qcow2Header, refuse: Refuse): void {
  const { incompatibleFeatures: features, autoclearFeatures: autoclear } = header;
  if (
    header.dataFile !== undefined ||
    (features & EXTERNAL_DATA_FILE) !== 0n ||
    (autoclear & AUTOCLEAR_RAW_DATA_FILE) !== 0n
  ) {
    const name = header.dataFile === undefined ? "" : ` ${shown(header.dataFile)}`;
    refuse("data-file", `keeps its data in another file${name}; an image's data is inside of it`);
  }
  if ((features & DIRTY) !== 0n) refuse("dirty", "was not closed properly; run qemu-img check -r all on it");
  if ((features & CORRUPT) !== 0n) refuse("corrupt", "is marked as corrupt; run qemu-img check on it");
  const unknown = features & ~KNOWN;
  if (unknown !== 0n) refuse("features", `needs features nobody here knows (bits 0x${unknown.toString(16)})`);
  if (header.compressionType > ZSTD_COMPRESSION) {
    refuse("features", `is compressed in a way nobody here knows (type ${header.compressionType})`);
  } else if (header.compressionType !== 0 && (features & COMPRESSION_TYPE) === 0n) {
    refuse("corrupt", "is corrupt: its compression type is set, and the feature bit of it is not");
  }
  if (header.hasBitmaps || (autoclear & AUTOCLEAR_BITMAPS) !== 0n) {
    refuse("bitmaps", "holds bitmaps of a backup; remove them with qemu-img bitmap --remove");
  }
}

function judgeTables(header: Qcow2Header, fileBytes: number | undefined, corrupt: (what: string) => void): void {
  const { clusterBits, l1, refcounts } = header;
  const clusterBytes = 2 ** clusterBits;
  const hasSubclusters = (header.incompatibleFeatures & EXTENDED_L2) !== 0n;
  if (hasSubclusters && clusterBits < MIN_CLUSTER_BITS_OF_SUBCLUSTERS) {
    corrupt(`clusters of ${clusterBytes} bytes are too small to be divided`);
  }
  // With subclusters it takes twice as many; QEMU's own check has the last word.
  const bytesOfL1Entry = (clusterBytes / TABLE_ENTRY_BYTES) * clusterBytes;
  const neededEntries = Math.ceil(header.virtualBytes / bytesOfL1Entry);
  if (l1.entries * TABLE_ENTRY_BYTES > MAX_L1_BYTES) corrupt(`its L1 table has ${l1.entries} entries`);
  if (l1.entries < neededEntries)
    corrupt(`its L1 table has ${l1.entries} entries, and its size needs ${neededEntries}`);
  if (refcounts.order > MAX_REFCOUNT_ORDER) corrupt(`its reference counts have 2^${refcounts.order} bits`);
  if (refcounts.clusters === 0) corrupt("it has no table of reference counts");
  const refcountBytes = refcounts.clusters * clusterBytes;
  if (refcountBytes > MAX_REFCOUNT_TABLE_BYTES) corrupt(`its table of reference counts has ${refcountBytes} bytes`);

  const end = fileBytes === undefined ? Number.MAX_SAFE_INTEGER : Math.ceil(fileBytes / clusterBytes) * clusterBytes;
  const judgePlace = (what: string, offset: number, bytes: number): void => {
    if (offset % clusterBytes !== 0) corrupt(`${what} is not at the start of a cluster`);
    else if (offset < clusterBytes) corrupt(`${what} lies in its header`);
    else if (offset + bytes > end) corrupt(`${what} lies beyond the end of the file`);
  };
  if (l1.entries > 0) judgePlace("its L1 table", l1.offset, l1.entries * TABLE_ENTRY_BYTES);
  if (refcounts.clusters > 0) judgePlace("its table of reference counts", refcounts.offset, refcountBytes);
}
