/** Images of 2 GiB to pack: one that is mostly holes, and one that is full of what compresses to half. */
import { randomBytes } from "node:crypto";
import { mkdir, open, writeFile } from "node:fs/promises";
import { join } from "node:path";

const MIB = 1_024 ** 2;
const DISK_BYTES = 2_048 * MIB;
const PIECE_BYTES = 2 * MIB;
const PIECES_OF_SPARSE = 64;
const BLOCK_BYTES = 64 * 1_024;

export async function makeImage(directory: string, kind: "sparse" | "full"): Promise<void> {
  await mkdir(directory);
  await writeFile(join(directory, "machine.json"), '{"version":2}');
  await using disk = await open(join(directory, "disk.img"), "wx");
  await disk.truncate(DISK_BYTES);
  const pieces = kind === "full" ? DISK_BYTES / PIECE_BYTES : PIECES_OF_SPARSE;
  const step = DISK_BYTES / pieces;
  for (let piece = 0; piece < pieces; piece++) await disk.write(halfRandom(), 0, PIECE_BYTES, piece * step);
  await disk.sync();
}

function halfRandom(): Buffer {
  const bytes = Buffer.alloc(PIECE_BYTES, "a line of a file that is on many disks\n");
  for (let at = 0; at < PIECE_BYTES; at += BLOCK_BYTES) randomBytes(BLOCK_BYTES / 2).copy(bytes, at);
  return bytes;
}
