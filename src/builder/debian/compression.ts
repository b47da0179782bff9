/** How a kernel and its modules are compressed: another way in each release. Pure. */

const PROGRAMS: readonly (readonly [magic: string, command: readonly [string, ...string[]]])[] = [
  ["fd377a585a00", ["xz", "-dc"]],
  ["28b52ffd", ["zstd", "-dcq"]],
];

/** The program that unpacks it, from its input to its output; undefined: none that is known. */
export function decompressorOf(data: Uint8Array): readonly [string, ...string[]] | undefined {
  const begin = Buffer.from(data.subarray(0, 6)).toString("hex");
  return PROGRAMS.find(([magic]) => begin.startsWith(magic))?.[1];
}

/** Its name as it is when it is unpacked. */
export function unpackedName(file: string): string {
  return file.replace(/\.(xz|zst)$/, "");
}
