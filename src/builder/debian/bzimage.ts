/**
 * The kernel inside a bzImage, as far as it is needed to start it without its slow decompressor. Pure.
 *
 * @see Linux Documentation/arch/x86/boot.rst, "The Real-Mode Kernel Header"
 */
import { ImageError } from "../../image/errors.ts";

const SETUP_SECTORS_AT = 0x1f1;
const MAGIC_AT = 0x202;
const MAGIC = "HdrS";
const PAYLOAD_OFFSET_AT = 0x248;
const PAYLOAD_LENGTH_AT = 0x24c;
const HEADER_END = 0x250;
const SECTOR_BYTES = 512;
/** The size of the kernel stands behind its compressed form. */
const SIZE_BYTES = 4;

/** The compressed ELF kernel. @throws {ImageError} `image-build-failed`: it is no bzImage. */
export function payloadOf(bzImage: Buffer): Buffer {
  if (bzImage.length < HEADER_END || bzImage.toString("latin1", MAGIC_AT, MAGIC_AT + MAGIC.length) !== MAGIC) {
    throw new ImageError("image-build-failed", "the kernel is not a bzImage", { blame: "host" });
  }
  // Zero stands for four sectors, for the sake of very old loaders.
  const sectors = bzImage[SETUP_SECTORS_AT] || 4;
  const start = (sectors + 1) * SECTOR_BYTES + bzImage.readUInt32LE(PAYLOAD_OFFSET_AT);
  return bzImage.subarray(start, start + bzImage.readUInt32LE(PAYLOAD_LENGTH_AT) - SIZE_BYTES);
}
