/** Compressed data that no import may take. */
import { zstdCompressSync } from "node:zlib";
import { archive, DISK, END, header, MACHINE } from "./tar-builder.ts";
import type { HostileArchive } from "./tar-corpus.ts";

const GOOD = archive(MACHINE, DISK);
const MAGIC = [0x28, 0xb5, 0x2f, 0xfd];

/** A frame header with the given descriptor and what follows it, and an empty last block. */
function frame(descriptor: number, fields: readonly number[]): Buffer {
  return Buffer.from([...MAGIC, descriptor, ...fields, 0x01, 0x00, 0x00]);
}

function skippable(text: string): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32LE(0x184d2a5c, 0);
  head.writeUInt32LE(text.length, 4);
  return Buffer.concat([head, Buffer.from(text)]);
}

/** One block that says a zero comes 128 Ki times, as often as wanted: 4 bytes for each 128 KiB. */
function bombOfBlocks(start: Buffer, blocks: number): Buffer {
  const raw = Buffer.from([...MAGIC, 0x00, 0x40]);
  const startBlock = Buffer.alloc(3);
  startBlock.writeUIntLE(start.length << 3, 0, 3);
  const run = Buffer.alloc(4);
  run.writeUIntLE((131_072 << 3) | (1 << 1), 0, 3);
  return Buffer.concat([raw, startBlock, start, ...Array(blocks).fill(run), Buffer.from([0x01, 0, 0])]);
}

export const HOSTILE_FRAMES: readonly HostileArchive[] = [
  ["nothing", "zstd-truncated", "truncated", Buffer.alloc(0)],
  ["something else", "zstd-not-zstd", "no zstd data", Buffer.from("PK\x03\x04 and so on")],
  ["a frame to be skipped before", "zstd-unsupported", "to be skipped", Buffer.concat([skippable("hello"), GOOD])],
  ["a frame to be skipped after", "zstd-trailing-data", "after the end", Buffer.concat([GOOD, skippable("hello")])],
  [
    "two frames",
    "zstd-trailing-data",
    "after the end",
    Buffer.concat([zstdCompressSync(Buffer.concat([MACHINE])), zstdCompressSync(Buffer.concat([DISK, END]))]),
  ],
  ["a window of 2 GiB", "zstd-unsupported", "window of 2147483648", frame(0x00, [0xa8])],
  ["a window of 3.75 TiB", "zstd-unsupported", "window of", frame(0x00, [0xff])],
  ["a single segment of 2 GiB", "zstd-unsupported", "window of", frame(0xa0, [0, 0, 0, 0x80])],
  ["contents of 2^64 - 1 bytes", "zstd-output-too-large", "allowed", frame(0xc0, [0x40, ...Array(8).fill(0xff)])],
  ["a dictionary", "zstd-unsupported", "dictionary", frame(0x01, [0x40, 0x07])],
  ["a reserved bit", "zstd-corrupt", "reserved bit", frame(0x08, [0x40])],
  ["a reserved block", "zstd-corrupt", "reserved type", Buffer.from([...MAGIC, 0, 0x40, 0x07, 0, 0])],
  ["a block of 2 MiB", "zstd-corrupt", "too large", Buffer.from([...MAGIC, 0, 0x40, 0xf1, 0xff, 0xff])],
  [
    "a block that cannot be decoded",
    "zstd-corrupt",
    "corrupt",
    Buffer.from([...MAGIC, 0, 0x40, 0x25, 0, 0, 9, 9, 9, 9]),
  ],
  [
    "a wrong checksum",
    "zstd-corrupt",
    "corrupt",
    Buffer.from([...MAGIC, 0x04, 0x40, 0x09, 0x00, 0x00, 0x41, 1, 2, 3, 4]),
  ],
  [
    "1 GiB of zeros for machine.json",
    "archive-file-too-large",
    "machine.json",
    bombOfBlocks(header({ name: "machine.json", size: 2 ** 30 }), 8_192),
  ],
  [
    "1 GiB of zeros after the end",
    "archive-corrupt",
    "after the end",
    bombOfBlocks(Buffer.concat([MACHINE, DISK, END]), 8_192),
  ],
];

/** 1 GiB of zeros as a disk: harmless, for nothing is written. */
export const ZERO_DISK = bombOfBlocks(Buffer.concat([MACHINE, header({ name: "disk.img", size: 2 ** 30 })]), 8_192 + 1);
