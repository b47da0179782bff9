/**
 * An empty qcow2 file on top of another one, as `qemu-img create -f qcow2 -b … -F …` makes it, without starting a
 * program for it: every task needs one.
 *
 *   cluster 0 header │ 1 refcount table │ 2 refcount block │ 3 … L1 table
 *
 * @see QEMU docs/interop/qcow2.txt
 */
import { BACKING_FORMAT_EXTENSION, QCOW2_MAGIC } from "./constants.ts";

const CLUSTER_BITS = 16;
const CLUSTER_BYTES = 2 ** CLUSTER_BITS;
const HEADER_BYTES = 112;
const ENTRY_BYTES = 8;
/** One entry of the L1 table stands for one cluster of L2 entries. */
const BYTES_OF_L1_ENTRY = (CLUSTER_BYTES / ENTRY_BYTES) * CLUSTER_BYTES;
const REFCOUNT_ORDER_16_BITS = 4;
const SECTOR_BYTES = 512;
const MAX_BACKING_NAME_BYTES = 1_023;

export interface OverlayOptions {
  /** Size of the guest's disk; rounded up to whole sectors. */
  virtualBytes: number;
  /** Absolute path, at most 1023 bytes. */
  backingFile: string;
  backingFormat: "raw" | "qcow2";
}

/** A file of `bytes`, zero but for `pieces`. */
export interface OverlayFile {
  bytes: number;
  pieces: { offset: number; data: Buffer }[];
}

export function buildOverlay({ virtualBytes, backingFile, backingFormat }: OverlayOptions): OverlayFile {
  const name = Buffer.from(backingFile);
  if (name.length > MAX_BACKING_NAME_BYTES) {
    throw new RangeError(`the path of a backing file has at most ${MAX_BACKING_NAME_BYTES} bytes: ${backingFile}`);
  }
  const size = Math.ceil(virtualBytes / SECTOR_BYTES) * SECTOR_BYTES;
  const l1Entries = Math.ceil(size / BYTES_OF_L1_ENTRY);
  const clusters = 3 + Math.max(1, Math.ceil((l1Entries * ENTRY_BYTES) / CLUSTER_BYTES));
  const extensions = Buffer.concat([buildExtension(BACKING_FORMAT_EXTENSION, backingFormat), Buffer.alloc(8)]);

  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32BE(QCOW2_MAGIC, 0);
  header.writeUInt32BE(3, 4);
  header.writeBigUInt64BE(BigInt(HEADER_BYTES + extensions.length), 8);
  header.writeUInt32BE(name.length, 16);
  header.writeUInt32BE(CLUSTER_BITS, 20);
  header.writeBigUInt64BE(BigInt(size), 24);
  header.writeUInt32BE(l1Entries, 36);
  header.writeBigUInt64BE(BigInt(3 * CLUSTER_BYTES), 40);
  header.writeBigUInt64BE(BigInt(CLUSTER_BYTES), 48);
  header.writeUInt32BE(1, 56);
  header.writeUInt32BE(REFCOUNT_ORDER_16_BITS, 96);
  header.writeUInt32BE(HEADER_BYTES, 100);

  const refcountTable = Buffer.alloc(ENTRY_BYTES);
  refcountTable.writeBigUInt64BE(BigInt(2 * CLUSTER_BYTES));
  const refcounts = Buffer.alloc(2 * clusters);
  for (let cluster = 0; cluster < clusters; cluster++) refcounts.writeUInt16BE(1, 2 * cluster);
  return {
    bytes: clusters * CLUSTER_BYTES,
    pieces: [
      { offset: 0, data: Buffer.concat([header, extensions, name]) },
      { offset: CLUSTER_BYTES, data: refcountTable },
      { offset: 2 * CLUSTER_BYTES, data: refcounts },
    ],
  };
}

function buildExtension(type: number, text: string): Buffer {
  const extension = Buffer.alloc(8 + Math.ceil(text.length / 8) * 8);
  extension.writeUInt32BE(type, 0);
  extension.writeUInt32BE(text.length, 4);
  extension.write(text, 8, "latin1");
  return extension;
}
