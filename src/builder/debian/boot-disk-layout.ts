/** What is where on a disk that boots by itself, and what its files say of it. Pure. */
import { createHash } from "node:crypto";

export interface DiskIdentity {
  /** Of the root's file system; those of the disk and its partitions are made of it. */
  readonly uuid: string;
  /** Of the root's file system. */
  readonly label: string;
}

export interface DiskLayout {
  readonly bios: Partition;
  readonly efi: Partition;
  readonly root: Partition;
}

interface Partition {
  readonly number: number;
  readonly offsetBytes: number;
  readonly sizeBytes: number;
  /** GUID of what it is for. */
  readonly type: string;
}

export const SECTOR = 512;
const MIB = 1_048_576;
/** The second copy of the table is at the end. */
const END_BYTES = MIB;

const BIOS_BOOT = "21686148-6449-6E6F-744E-656564454649";
const EFI_SYSTEM = "C12A7328-F81F-11D2-BA4B-00A0C93EC93B";
const LINUX_ROOT = "4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709";

export function layoutOf(diskBytes: number): DiskLayout {
  const bios = { number: 14, offsetBytes: MIB, sizeBytes: 3 * MIB, type: BIOS_BOOT };
  const efi = { number: 15, offsetBytes: 4 * MIB, sizeBytes: 32 * MIB, type: EFI_SYSTEM };
  const offsetBytes = efi.offsetBytes + efi.sizeBytes;
  const root = { number: 1, offsetBytes, sizeBytes: diskBytes - offsetBytes - END_BYTES, type: LINUX_ROOT };
  return { bios, efi, root };
}

/** Input of sfdisk. */
export function partitionTable({ bios, efi, root }: DiskLayout, { uuid }: DiskIdentity): string {
  const line = ({ number, offsetBytes, sizeBytes, type }: Partition) =>
    `${number} : start=${offsetBytes / SECTOR}, size=${sizeBytes / SECTOR}, type=${type}, uuid=${derive(uuid, `partition ${number}`)}`;
  const head = ["label: gpt", `label-id: ${derive(uuid, "disk")}`, `sector-size: ${SECTOR}`];
  return [...head, line(root), line(bios), line(efi), ""].join("\n");
}

/** Of the same disk, but not the same. */
function derive(uuid: string, what: string): string {
  const digits = createHash("sha256").update(`${uuid} ${what}`).digest("hex");
  return digits.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*$/, "$1-$2-5$3-8$4-$5");
}

/** Checking a disk that is thrown away with its machine would be a waste of time. */
export function fileSystemTable({ label }: DiskIdentity): string {
  return `LABEL=${label} / ext4 rw,discard,errors=remount-ro,x-systemd.growfs 0 0\n`;
}

/** grub.cfg, without a menu. Debian keeps both links on the kernel that was installed last. */
export function bootConfig({ label }: DiskIdentity, cmdline: string): string {
  return [
    "set timeout=0",
    `search --no-floppy --label --set=root ${label}`,
    `linux /vmlinuz root=LABEL=${label} ${cmdline}`,
    "initrd /initrd.img",
    "boot",
    "",
  ].join("\n");
}
