/** Fields of a header whose numbers are little-endian. Pure. */

/** Undefined for what no file can be as large as. */
export function readSize(header: Buffer, offset: number): number | undefined {
  const value = header.readBigUInt64LE(offset);
  return value > BigInt(Number.MAX_SAFE_INTEGER) ? undefined : Number(value);
}

export function isPowerOfTwo(value: number): boolean {
  return value > 0 && Number.isInteger(Math.log2(value));
}
