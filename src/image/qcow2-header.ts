/**
 * The header of a qcow2 file, versions 2 and 3, with its extensions.
 *
 * Pure: what comes in is the start of an untrusted file, and no program ever opens the file before this was looked at.
 *
 * @see QEMU docs/interop/qcow2.txt
 */
import { BACKING_FORMAT_EXTENSION, QCOW2_MAGIC } from "../qcow2/constants.ts";
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
  incompatibleFeatures: bigint;
}

const DATA_FILE_EXTENSION = 0x44415441;
const ENCRYPTION_EXTENSION = 0x0537be77;

const V2_HEADER_BYTES = 72;
const V3_HEADER_BYTES = 104;
const MAX_BACKING_NAME_BYTES = 1_023;

interface Extension {
  type: number;
  data: Buffer;
}

/** @throws {@link ImageError} `layer-not-qcow2`, or `layer-corrupt` if the header contradicts itself. */
export function parseQcow2Header(bytes: Buffer): Qcow2Header {
  if (bytes.length < V2_HEADER_BYTES || bytes.readUInt32BE(0) !== QCOW2_MAGIC) {
    throw new ImageError("layer-not-qcow2", "layer.qcow2 is no qcow2 file");
  }
  const version = bytes.readUInt32BE(4);
  if (version !== 2 && version !== 3) {
    throw new ImageError(
      "layer-not-qcow2",
      `layer.qcow2 is qcow2 of version ${version}; the versions 2 and 3 are known`,
    );
  }
  if (version === 3 && bytes.length < V3_HEADER_BYTES) throw corrupt("its header is cut off");
  const clusterBits = bytes.readUInt32BE(20);
  if (clusterBits < 9 || clusterBits > 21) throw corrupt(`its clusters have 2^${clusterBits} bytes`);
  const headerBytes = version === 2 ? V2_HEADER_BYTES : bytes.readUInt32BE(100);
  if (headerBytes < (version === 2 ? V2_HEADER_BYTES : V3_HEADER_BYTES)) throw corrupt("its header is too short");

  const firstCluster = bytes.subarray(0, 2 ** clusterBits);
  const backingOffset = size(bytes, 8);
  const backingFile = readBackingFile(firstCluster, backingOffset, bytes.readUInt32BE(16));
  const extensions = readExtensions(
    firstCluster,
    headerBytes,
    backingOffset === 0 ? firstCluster.length : backingOffset,
  );
  const text = (type: number) => extensions.find((extension) => extension.type === type)?.data.toString("utf8");
  return {
    version,
    virtualBytes: size(bytes, 24),
    backingFile,
    backingFormat: text(BACKING_FORMAT_EXTENSION),
    dataFile: text(DATA_FILE_EXTENSION),
    encryptionMethod: bytes.readUInt32BE(32),
    hasEncryptionHeader: extensions.some(({ type }) => type === ENCRYPTION_EXTENSION),
    snapshots: bytes.readUInt32BE(60),
    incompatibleFeatures: version === 2 ? 0n : bytes.readBigUInt64BE(72),
  };
}

function readBackingFile(cluster: Buffer, offset: number, length: number): string | undefined {
  if (offset === 0) return undefined;
  if (length > MAX_BACKING_NAME_BYTES || offset + length > cluster.length) {
    throw corrupt("the name of its backing file lies outside of its header");
  }
  return cluster.toString("utf8", offset, offset + length);
}

/** The same extension twice is refused: programs differ in which one they heed. */
function readExtensions(cluster: Buffer, start: number, end: number): Extension[] {
  const extensions: Extension[] = [];
  let offset = start;
  while (offset + 8 <= end) {
    const type = cluster.readUInt32BE(offset);
    if (type === 0) return extensions;
    const length = cluster.readUInt32BE(offset + 4);
    if (offset + 8 + length > end) throw corrupt("an extension lies outside of its header");
    if (extensions.some((extension) => extension.type === type)) throw corrupt("an extension comes twice");
    extensions.push({ type, data: cluster.subarray(offset + 8, offset + 8 + length) });
    offset += 8 + Math.ceil(length / 8) * 8;
  }
  return extensions;
}

function size(bytes: Buffer, offset: number): number {
  const value = bytes.readBigUInt64BE(offset);
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw corrupt("a size or an offset is too large");
  return Number(value);
}

function corrupt(what: string): ImageError {
  return new ImageError("layer-corrupt", `layer.qcow2 is corrupt: ${what}`);
}
