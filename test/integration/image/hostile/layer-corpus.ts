/** Layers that no import may take, each made of a good one by a few bytes. */

export type HostileLayer = readonly [title: string, code: string, message: string, change: (layer: Buffer) => unknown];

const CLUSTER = 65_536;
const l2Offset = (layer: Buffer) =>
  Number(layer.readBigUInt64BE(Number(layer.readBigUInt64BE(40))) & 0xff_ffff_fffe00n);
const COPIED = 1n << 63n;
const COMPRESSED = 1n << 62n;

/** Behind the extensions that qemu-img writes there is room in the first cluster. */
function extension(layer: Buffer, type: number, text: string): void {
  const name = Number(layer.readBigUInt64BE(8));
  const at = 112 + 8 + 8;
  layer.copyWithin(at + 512, name, name + 8);
  layer.fill(0, at, at + 512);
  layer.writeBigUInt64BE(BigInt(at + 512), 8);
  layer.writeUInt32BE(type, at);
  layer.writeUInt32BE(text.length, at + 4);
  layer.write(text, at + 8, "latin1");
}

export const HOSTILE_LAYERS: readonly HostileLayer[] = [
  ["the dirty bit", "layer-dirty", "not closed properly", (l) => l.writeBigUInt64BE(1n, 72)],
  ["the corrupt bit", "layer-corrupt", "marked as corrupt", (l) => l.writeBigUInt64BE(2n, 72)],
  ["an external data file", "layer-data-file", "another file", (l) => l.writeBigUInt64BE(4n, 72)],
  ["a feature of tomorrow", "layer-features", "0x8000000000000000", (l) => l.writeBigUInt64BE(1n << 63n, 72)],
  [
    "subclusters its table is too short for",
    "layer-corrupt",
    "layer.qcow2 is corrupt",
    (l) => {
      l.writeBigUInt64BE(16n, 72);
      l.writeBigUInt64BE(1024n ** 3n, 24);
      l.writeUInt32BE(2, 36);
    },
  ],
  ["a compression type of tomorrow", "layer-features", "type 7", (l) => l.writeUInt8(7, 104)],
  ["a compression type without its bit", "layer-corrupt", "compression type", (l) => l.writeUInt8(1, 104)],
  ["AES", "layer-encrypted", "encrypted", (l) => l.writeUInt32BE(1, 32)],
  ["LUKS", "layer-encrypted", "encrypted", (l) => l.writeUInt32BE(2, 32)],
  ["an encryption header", "layer-encrypted", "encrypted", (l) => extension(l, 0x0537be77, "0123456789abcdef")],
  ["the name of a data file", "layer-data-file", '"/etc/shadow"', (l) => extension(l, 0x44415441, "/etc/shadow")],
  ["bitmaps", "layer-bitmaps", "bitmaps", (l) => extension(l, 0x23852875, "0".repeat(24))],
  ["the bitmaps' bit", "layer-bitmaps", "bitmaps", (l) => l.writeBigUInt64BE(1n, 88)],
  ["the bit of a raw data file", "layer-data-file", "another file", (l) => l.writeBigUInt64BE(2n, 88)],
  ["the backing format twice", "layer-corrupt", "comes twice", (l) => extension(l, 0xe2792aca, "qcow2")],
  ["an extension beyond the header", "layer-corrupt", "outside of its header", (l) => l.writeUInt32BE(2 ** 31, 116)],
  ["snapshots", "layer-snapshots", "3 internal snapshots", (l) => l.writeUInt32BE(3, 60)],
  ["clusters of 256 bytes", "layer-corrupt", "2^8 bytes", (l) => l.writeUInt32BE(8, 20)],
  ["clusters of 4 MiB", "layer-corrupt", "2^22 bytes", (l) => l.writeUInt32BE(22, 20)],
  ["a size of 1 TiB", "layer-too-large", "1.0 TiB", (l) => l.writeBigUInt64BE(1n << 40n, 24)],
  ["a size of 2^63", "layer-corrupt", "too large", (l) => l.writeBigUInt64BE(1n << 63n, 24)],
  ["an L1 table of 2^32 entries", "layer-corrupt", "4294967295 entries", (l) => l.writeUInt32BE(0xffff_ffff, 36)],
  ["no L1 table", "layer-corrupt", "its size needs 1", (l) => l.writeUInt32BE(0, 36)],
  ["an L1 table in the header", "layer-corrupt", "lies in its header", (l) => l.writeBigUInt64BE(0n, 40)],
  ["an L1 table beyond the end", "layer-corrupt", "beyond the end", (l) => l.writeBigUInt64BE(1n << 40n, 40)],
  ["an L1 table that is not aligned", "layer-corrupt", "start of a cluster", (l) => l.writeBigUInt64BE(196_612n, 40)],
  ["reference counts of 128 bits", "layer-corrupt", "2^7 bits", (l) => l.writeUInt32BE(7, 96)],
  ["reference counts of 2^2^31 bits", "layer-corrupt", "bits", (l) => l.writeUInt32BE(2 ** 31, 96)],
  ["no table of reference counts", "layer-corrupt", "no table of reference counts", (l) => l.writeUInt32BE(0, 56)],
  [
    "a table of reference counts of 256 TiB",
    "layer-corrupt",
    "reference counts has",
    (l) => l.writeUInt32BE(0xffff_ffff, 56),
  ],
  ["reference counts beyond the end", "layer-corrupt", "beyond the end", (l) => l.writeBigUInt64BE(1n << 40n, 48)],
  ["reference counts in the header", "layer-corrupt", "lies in its header", (l) => l.writeBigUInt64BE(0n, 48)],
  [
    "reference counts in the L1 table",
    "layer-corrupt",
    "Check failed",
    (l) => l.writeBigUInt64BE(l.readBigUInt64BE(40), 48),
  ],
  ["a header of 64 KiB and more", "layer-corrupt", "header has", (l) => l.writeUInt32BE(CLUSTER + 8, 100)],
  ["a header of 8 bytes", "layer-corrupt", "too short", (l) => l.writeUInt32BE(8, 100)],
  ["a header length of 105", "layer-corrupt", "105 bytes", (l) => l.writeUInt32BE(105, 100)],
  ["the name of its backing file in the header", "layer-corrupt", "in its header", (l) => l.writeBigUInt64BE(16n, 8)],
  ["the name of its backing file outside", "layer-corrupt", "outside", (l) => l.writeBigUInt64BE(BigInt(CLUSTER), 8)],
  ["a name of its backing file of 4 GiB", "layer-corrupt", "outside", (l) => l.writeUInt32BE(0xffff_ffff, 16)],
  ["no backing file", "layer-backing-file", "has no backing file", (l) => l.fill(0, 8, 20)],
  ["version 1", "layer-not-qcow2", "version 1", (l) => l.writeUInt32BE(1, 4)],
  ["version 4", "layer-not-qcow2", "version 4", (l) => l.writeUInt32BE(4, 4)],

  [
    "an L1 entry beyond the end",
    "layer-corrupt",
    "layer.qcow2 is corrupt",
    (l) => l.writeBigUInt64BE(COPIED | (1n << 50n), Number(l.readBigUInt64BE(40))),
  ],
  [
    "an L2 table that is the L1 table",
    "layer-corrupt",
    "layer.qcow2 is corrupt",
    (l) => l.writeBigUInt64BE(COPIED | l.readBigUInt64BE(40), Number(l.readBigUInt64BE(40))),
  ],
  [
    "an L2 table that is not aligned",
    "layer-corrupt",
    "layer.qcow2 is corrupt",
    (l) => {
      const at = Number(l.readBigUInt64BE(40));
      l.writeBigUInt64BE(l.readBigUInt64BE(at) + 512n, at);
    },
  ],
  [
    "data beyond the end",
    "layer-corrupt",
    "layer.qcow2 is corrupt",
    (l) => l.writeBigUInt64BE(COPIED | (1n << 50n), l2Offset(l)),
  ],
  [
    "the same data for many sectors",
    "layer-corrupt",
    "layer.qcow2 is corrupt",
    (l) => {
      const at = l2Offset(l);
      for (let i = 1; i < 200; i++) l.copyWithin(at + 8 * i, at, at + 8);
    },
  ],
  [
    "data in the header",
    "layer-corrupt",
    "layer.qcow2 is corrupt",
    (l) => l.writeBigUInt64BE(COPIED | BigInt(l2Offset(l)), l2Offset(l)),
  ],
  [
    "compressed data beyond the end",
    "layer-corrupt",
    "layer.qcow2 is corrupt",
    (l) => l.writeBigUInt64BE(COMPRESSED | (1n << 50n), l2Offset(l)),
  ],
  [
    "a block of reference counts beyond the end",
    "layer-corrupt",
    "layer.qcow2 is corrupt",
    (l) => l.writeBigUInt64BE(1n << 50n, Number(l.readBigUInt64BE(48))),
  ],
  [
    "reference counts of nothing",
    "layer-corrupt",
    "layer.qcow2 is corrupt",
    (l) => l.fill(0, 2 * CLUSTER, 2 * CLUSTER + 64),
  ],
];
