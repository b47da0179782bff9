/** Tar archives with any field set to anything; the checksum of a header is right unless it is given. */
import { zstdCompressSync } from "node:zlib";
import { buildPax } from "../../../../src/image/archive/pax.ts";
import { checksum } from "../../../../src/image/archive/tar-header.ts";

export interface HeaderFields {
  name: string;
  /** POSIX `typeflag`. */
  type?: string;
  /** What the header says; default the length of the data. */
  size?: number | bigint | string;
  linkName?: string;
  prefix?: string;
  magic?: string;
  checksum?: string;
  /** Anything else, after the rest and before the checksum. */
  change?: (block: Buffer) => unknown;
}

export function header(fields: HeaderFields): Buffer {
  const block = Buffer.alloc(512);
  block.write(fields.name, 0, 100, "latin1");
  block.write("0000644\x000000000\x000000000\0", 100);
  const { size = 0 } = fields;
  if (typeof size === "bigint") {
    block[124] = 0x80;
    block.writeBigUInt64BE(size, 128);
  } else block.write(typeof size === "string" ? size : `${size.toString(8).padStart(11, "0")}\0`, 124, 12, "latin1");
  block.write("00000000000\0", 136);
  block.write(fields.type ?? "0", 156, 1, "latin1");
  block.write(fields.linkName ?? "", 157, 100, "latin1");
  block.write(fields.magic ?? "ustar\x0000", 257, "latin1");
  block.write(fields.prefix ?? "", 345, 155, "latin1");
  fields.change?.(block);
  block.write(fields.checksum ?? `${checksum(block).toString(8).padStart(6, "0")}\0 `, 148, 8, "latin1");
  return block;
}

/** A header with data behind it, filled up to whole blocks. */
export function entry(fields: HeaderFields, data: Uint8Array | string = ""): Buffer {
  const bytes = Buffer.from(data as string);
  const padding = Buffer.alloc((512 - (bytes.length % 512)) % 512);
  return Buffer.concat([header({ size: bytes.length, ...fields }), bytes, padding]);
}

export function pax(records: Readonly<Record<string, string>> | string, type = "x"): Buffer {
  return entry({ name: "PaxHeaders/x", type }, typeof records === "string" ? records : buildPax(records));
}

/** A sparse file as GNU tar writes it with --format=posix, with any map. */
export function sparse(map: string, data: Uint8Array | string, records: Readonly<Record<string, string>> = {}): Buffer {
  const mapBlocks = Buffer.alloc(Math.ceil(map.length / 512) * 512);
  mapBlocks.write(map, "latin1");
  return Buffer.concat([
    pax({
      "GNU.sparse.major": "1",
      "GNU.sparse.minor": "0",
      "GNU.sparse.name": "disk.img",
      "GNU.sparse.realsize": "4096",
      ...records,
    }),
    entry({ name: "GNUSparseFile.0/disk.img" }, Buffer.concat([mapBlocks, Buffer.from(data as string)])),
  ]);
}

export const END = Buffer.alloc(1_024);
export const MACHINE = entry({ name: "machine.json" }, '{"version":2}');
export const DISK = entry({ name: "disk.img" }, Buffer.alloc(4_096, "disk"));

export function archive(...parts: readonly Uint8Array[]): Buffer {
  return zstdCompressSync(Buffer.concat([...parts, END]));
}
