/**
 * Puts GRUB where the BIOS of a PC finds it. Pure.
 *
 * @see GRUB boot.h (GRUB_BOOT_MACHINE_*), grub-bios-setup: what it does with a disk, but for asking the kernel about it
 */
const SECTOR = 512;
/** In boot.img: the first sector of the core, and an instruction that mistrusts the BIOS about the drive. */
const CORE_SECTOR_AT = 0x5c;
const DRIVE_CHECK_AT = 0x66;
const NO_OPERATION = Buffer.from([0x90, 0x90]);
/** Of the disk, not of GRUB: its signature and its table, and the BIOS parameters of a floppy before them. */
const PARAMETERS = { from: 0x03, to: 0x5a };
const TABLE = { from: 0x1b8, to: SECTOR };
/** In the first sector of the core: which sectors are the rest of it. */
const REST_AT = SECTOR - 12;

export interface CorePlace {
  /** The first sector of the disk as it is. */
  readonly sector: Buffer;
  readonly bootImage: Buffer;
  /** What grub-mkimage made. */
  readonly core: Buffer;
  /** Of the partition for it. */
  readonly offsetBytes: number;
  readonly sizeBytes: number;
}

/** @throws {RangeError} The core is larger than its partition. */
export function embedCore({ sector, bootImage, core, offsetBytes, sizeBytes }: CorePlace): {
  bootSector: Buffer;
  placed: Buffer;
} {
  if (core.length > sizeBytes) throw new RangeError("the core of GRUB is larger than the partition it is for");
  const first = BigInt(offsetBytes / SECTOR);
  const bootSector = Buffer.from(bootImage.subarray(0, SECTOR));
  for (const { from, to } of [PARAMETERS, TABLE]) sector.copy(bootSector, from, from, to);
  bootSector.writeBigUInt64LE(first, CORE_SECTOR_AT);
  NO_OPERATION.copy(bootSector, DRIVE_CHECK_AT);
  const placed = Buffer.from(core);
  placed.writeBigUInt64LE(first + 1n, REST_AT);
  return { bootSector, placed };
}
