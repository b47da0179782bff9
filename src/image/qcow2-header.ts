/**
 * The header of a qcow2 file, versions 2 and 3, with its extensions.
 *
 * Pure: what comes in is the start of an untrusted file, and no program ever opens the file before this was looked at.
 *
 * @see QEMU docs/interop/qcow2.txt
 */
import { BACKING_FORMAT_EXTENSION, QCOW2_MAGIC } from "../qcow2/constants.ts";
import { type DiskRole, LAYER, refusal } from "./disk-role.ts";
import { ImageError } from "./errors.ts";

/** As much of the file as the header can take: the largest cluster. */
export const QCOW2_HEADER_BYTES = 2 * 1_024 * 1_024;

export interface Qcow2Header {
  version: 2 | 3;
  /** Size of the disk the guest sees. */
  virtualBytes: number;
  /** undefined: a file that stands alone. */
  backingFile: string | undefined;
  /** undefined: QEMU would guess it from the contents. */
  backingFormat: string | undefined;
  /** Name of an external data file, if the header has one. */
  dataFile: string | undefined;
  /** 0 none, 1 AES, 2 LUKS. */
  encryptionMethod: number;
  hasEncryptionHeader: boolean;
  snapshots: number;
  hasBitmaps: boolean;
  incompatibleFeatures: bigint;
  autoclearFeatures: bigint;
  clusterBits: number;
  l1: { offset: number; entries: number };
  refcounts: { offset: number; clusters: number; order: number };
  /** 0 zlib, 1 zstd. */
  compressionType: number;
  headerBytes: number;
}

const DATA_FILE_EXTENSION = 0x44415441;
const ENCRYPTION_EXTENSION = 0x0537be77;
const BITMAPS_EXTENSION = 0x23852875;

const V2_HEADER_BYTES = 72;
const V3_HEADER_BYTES = 104;
/** Where the first field is that a header of version 3 may lack. */
const COMPRESSION_TYPE_OFFSET = 104;
const REFCOUNT_ORDER_OF_V2 = 4;
const MAX_BACKING_NAME_BYTES = 1_023;

interface Extension {
  type: number;
  data: Buffer;
}

/**
 * @param role What the file is, for the error.
 * @throws {@link ImageError} `layer-not-qcow2`, or `…-corrupt` if the header contradicts itself.
 */
export function parseQcow2Header(bytes: Buffer, role: DiskRole = LAYER): Qcow2Header {
  const corrupt = (what: string) => refusal(role, "corrupt", `is corrupt: ${what}`);
  if (bytes.length < V2_HEADER_BYTES || bytes.readUInt32BE(0) !== QCOW2_MAGIC) {
    throw new ImageError(role.otherFormat, `${role.name} is no qcow2 file`);
  }
  const version = bytes.readUInt32BE(4);
  if (version !== 2 && version !== 3) {
    const message = `${role.name} is qcow2 of version ${version}; the versions 2 and 3 are known`;
    throw new ImageError(role.otherFormat, message);
  }
  if (version === 3 && bytes.length < V3_HEADER_BYTES) throw corrupt("its header is cut off");
  const clusterBits = bytes.readUInt32BE(20);
  if (clusterBits < 9 || clusterBits > 21) throw corrupt(`its clusters have 2^${clusterBits} bytes`);
  const headerBytes = version === 2 ? V2_HEADER_BYTES : bytes.readUInt32BE(100);
  if (headerBytes < (version === 2 ? V2_HEADER_BYTES : V3_HEADER_BYTES)) throw corrupt("its header is too short");
  const firstCluster = bytes.subarray(0, 2 ** clusterBits);
  if (headerBytes > firstCluster.length || headerBytes % 8 !== 0) throw corrupt(`its header has ${headerBytes} bytes`);

  const size = (offset: number): number => {
    const value = bytes.readBigUInt64BE(offset);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw corrupt("a size or an offset is too large");
    return Number(value);
  };
  const backingOffset = size(8);
  if (backingOffset !== 0 && backingOffset < headerBytes) {
    throw corrupt("the name of its backing file lies in its header");
  }
  const backingBytes = bytes.readUInt32BE(16);
  if (backingBytes > MAX_BACKING_NAME_BYTES || backingOffset + backingBytes > firstCluster.length) {
    throw corrupt("the name of its backing file lies outside of its header");
  }
  const extensions = readExtensions(firstCluster, headerBytes, backingOffset || firstCluster.length, corrupt);
  const text = (type: number) => extensions.find((extension) => extension.type === type)?.data.toString("utf8");
  const has = (wanted: number) => extensions.some(({ type }) => type === wanted);
  return {
    version,
    virtualBytes: size(24),
    backingFile:
      backingOffset === 0 ? undefined : firstCluster.toString("utf8", backingOffset, backingOffset + backingBytes),
    backingFormat: text(BACKING_FORMAT_EXTENSION),
    dataFile: text(DATA_FILE_EXTENSION),
    encryptionMethod: bytes.readUInt32BE(32),
    hasEncryptionHeader: has(ENCRYPTION_EXTENSION),
    snapshots: bytes.readUInt32BE(60),
    hasBitmaps: has(BITMAPS_EXTENSION),
    incompatibleFeatures: version === 2 ? 0n : bytes.readBigUInt64BE(72),
    autoclearFeatures: version === 2 ? 0n : bytes.readBigUInt64BE(88),
    clusterBits,
    l1: { offset: size(40), entries: bytes.readUInt32BE(36) },
    refcounts: {
      offset: size(48),
      clusters: bytes.readUInt32BE(56),
      order: version === 2 ? REFCOUNT_ORDER_OF_V2 : bytes.readUInt32BE(96),
    },
    compressionType: headerBytes > COMPRESSION_TYPE_OFFSET ? (bytes[COMPRESSION_TYPE_OFFSET] as number) : 0,
    headerBytes,
  };
}

/** The same extension twice is refused: programs differ in which one they heed. */
function readExtensions(cluster: Buffer, start: number, end: number, corrupt: (what: string) => Error): Extension[] {
  const extensions: Extension[] = [];
  const seen = new Set<number>();
  let offset = start;
  while (offset + 8 <= end) {
    const type = cluster.readUInt32BE(offset);
    if (type === 0) return extensions;
    const length = cluster.readUInt32BE(offset + 4);
    if (offset + 8 + length > end) throw corrupt("an extension lies outside of its header");
    if (seen.has(type)) throw corrupt("an extension comes twice");
    seen.add(type);
    extensions.push({ type, data: cluster.subarray(offset + 8, offset + 8 + length) });
    offset += 8 + Math.ceil(length / 8) * 8;
  }
  return extensions;
}
