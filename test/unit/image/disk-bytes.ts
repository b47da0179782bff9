/** Starts of foreign disks for tests, one field at a time. */

const SECTOR_BYTES = 512;
const MIB = 1_024 ** 2;
/** 64 MiB in grains of 64 KiB. */
export const VMDK_SECTORS = 131_072;
export const VMDK_FILE_BYTES = 2 * MIB;
export const VDI_BLOCKS = 64;
export const VDI_FILE_BYTES = 4 * MIB;

export function goodVmdkHeader(change: (header: Buffer) => void = () => {}): Buffer {
  const header = Buffer.alloc(SECTOR_BYTES);
  header.write("KDMV", 0);
  header.writeUInt32LE(1, 4);
  header.writeUInt32LE(3, 8);
  header.writeBigUInt64LE(BigInt(VMDK_SECTORS), 12);
  header.writeBigUInt64LE(128n, 20);
  header.writeBigUInt64LE(1n, 28);
  header.writeBigUInt64LE(20n, 36);
  header.writeUInt32LE(512, 44);
  header.writeBigUInt64LE(21n, 48);
  header.writeBigUInt64LE(26n, 56);
  header.writeBigUInt64LE(128n, 64);
  header.write("\n \r\n", 73, "latin1");
  change(header);
  return header;
}

/** The header of a streamOptimized file: compressed, with markers, its tables at the end. */
export function streamVmdkHeader(): Buffer {
  return goodVmdkHeader((header) => {
    header.writeUInt32LE(3, 4);
    header.writeUInt32LE((1 << 16) | (1 << 17) | 1, 8);
    header.writeBigUInt64LE(0n, 48);
    header.writeBigUInt64LE(0xffff_ffff_ffff_ffffn, 56);
    header.writeUInt16LE(1, 77);
  });
}

export function vmdkFooter(header: Buffer, change: (footer: Buffer) => void = () => {}): Buffer {
  const footer = Buffer.alloc(3 * SECTOR_BYTES);
  footer.writeBigUInt64LE(1n, 0);
  footer.writeUInt32LE(3, 12);
  header.copy(footer, SECTOR_BYTES);
  footer.writeBigUInt64LE(100n, SECTOR_BYTES + 56);
  change(footer);
  return footer;
}

export function vmdkDescriptor(changes: Readonly<Record<string, string>> = {}, more = ""): Buffer {
  const lines = {
    version: "1",
    CID: "12345678",
    parentCID: "ffffffff",
    createType: '"monolithicSparse"',
    ...changes,
  };
  const extent = changes["extent"] ?? `RW ${VMDK_SECTORS} SPARSE "disk.vmdk"`;
  const text = Object.entries(lines)
    .filter(([key, value]) => key !== "extent" && value !== "")
    .map(([key, value]) => `${key}=${value}\n`);
  const descriptor = Buffer.alloc(20 * SECTOR_BYTES);
  descriptor.write(`# Disk DescriptorFile\n${text.join("")}\n${extent}\n${more}`);
  return descriptor;
}

export function goodVdiHeader(change: (header: Buffer) => void = () => {}): Buffer {
  const header = Buffer.alloc(SECTOR_BYTES);
  header.writeUInt32LE(0xbeda107f, 0x40);
  header.writeUInt32LE(0x0001_0001, 0x44);
  header.writeUInt32LE(0x190, 0x48);
  header.writeUInt32LE(1, 0x4c);
  header.writeUInt32LE(512, 0x154);
  header.writeUInt32LE(1_024, 0x158);
  header.writeUInt32LE(512, 0x168);
  header.writeBigUInt64LE(BigInt(VDI_BLOCKS * MIB), 0x170);
  header.writeUInt32LE(MIB, 0x178);
  header.writeUInt32LE(VDI_BLOCKS, 0x180);
  header.writeUInt32LE(2, 0x184);
  change(header);
  return header;
}

export function vdiMap(...places: number[]): Buffer {
  const map = Buffer.alloc(VDI_BLOCKS * 4, 0xff);
  places.forEach((place, block) => {
    map.writeUInt32LE(place, block * 4);
  });
  return map;
}
