/** The smallest guest: a boot sector that ends its machine. Pure. */

/** What is written to QEMU's isa-debug-exit device, which makes `2n + 1` the exit code. */
const VALUE = 0x2a;

export const PROBE_EXIT_CODE = VALUE * 2 + 1;

const SECTOR_BYTES = 512;

/** x86, 16 bit: write to port 0xf4; if that does nothing, stop. */
const CODE = [0xb0, VALUE, 0xe6, 0xf4, 0xfa, 0xf4];

export function buildProbeSector(): Buffer {
  // A disk of one sector is refused by some BIOSes; the rest stays zero.
  const disk = Buffer.alloc(SECTOR_BYTES * 2_048);
  Buffer.from(CODE).copy(disk);
  disk.writeUInt16LE(0xaa55, SECTOR_BYTES - 2);
  return disk;
}
