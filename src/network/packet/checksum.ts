/** The internet checksum (RFC 1071). */

/**
 * Adds the 16-bit big-endian words of `bytes` to `sum`, an odd last byte padded
 * with zero. The result is not folded; sums of up to 64 KiB stay small integers.
 */
export function addWords(sum: number, bytes: Uint8Array): number {
  const even = bytes.length & ~1;
  let total = sum;
  for (let i = 0; i < even; i += 2) {
    total += ((bytes[i] as number) << 8) | (bytes[i + 1] as number);
  }
  if (even < bytes.length) total += (bytes[even] as number) << 8;
  return total;
}

/** The 16 bits to put into a checksum field, of an unfolded sum; over a valid packet it is 0. */
export function checksumOf(sum: number): number {
  let folded = (sum % 0x1_0000) + Math.floor(sum / 0x1_0000);
  folded = (folded & 0xffff) + (folded >>> 16);
  folded = (folded & 0xffff) + (folded >>> 16);
  return ~folded & 0xffff;
}
