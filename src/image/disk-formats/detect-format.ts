/** What a disk looks like, for the error where that contradicts what it is said to be. Pure; never a reason to read it so. */

/** What disk formats with pointers to other files or with metadata start with; no boot sector or file system does. */
const SIGNATURES: readonly (readonly [format: string, offset: number, signature: string])[] = [
  ["qcow", 0, "QFI\xfb"],
  ["qed", 0, "QED\0"],
  ["vmdk", 0, "KDMV"],
  ["vmdk", 0, "COWD"],
  ["vmdk", 0, "# Disk DescriptorFile"],
  ["vdi", 0x40, "\x7f\x10\xda\xbe"],
  ["vpc", 0, "conectix"],
  ["vhdx", 0, "vhdxfile"],
  ["parallels", 0, "WithoutFreeSpace"],
  ["parallels", 0, "WithouFreSpacExt"],
  ["luks", 0, "LUKS\xba\xbe"],
];

/**
 * Undefined for what is a raw disk, or nothing known.
 *
 * @param start The first 512 bytes of the file, or all of it.
 */
export function detectFormat(start: Buffer): string | undefined {
  return SIGNATURES.find(
    ([, offset, signature]) => start.toString("latin1", offset, offset + signature.length) === signature,
  )?.[0];
}
