/**
 * The initramfs as Linux reads it: a cpio archive in the "new ASCII" format. Pure; the same entries give the same
 * bytes.
 *
 * @see Linux Documentation/driver-api/early-userspace/buffer-format.rst
 */

export interface CpioEntry {
  /** Without a leading slash; the folder above must come before. */
  name: string;
  /** Type and permission bits as in stat(2): 0o100755 is a program, 0o040755 a folder. */
  mode: number;
  /** Empty for folders. */
  content?: Uint8Array;
}

const ALIGNMENT = 4;
const TRAILER = "TRAILER!!!";

export function buildCpio(entries: readonly CpioEntry[]): Buffer {
  const parts = entries.flatMap((entry, index) => buildEntry(entry, index + 1));
  return Buffer.concat([...parts, ...buildEntry({ name: TRAILER, mode: 0 }, 0)]);
}

function buildEntry({ name, mode, content = new Uint8Array() }: CpioEntry, inode: number): Uint8Array[] {
  const nameBytes = Buffer.from(`${name}\0`);
  const links = (mode & 0o170000) === 0o040000 ? 2 : 1;
  const [uid, gid, mtime, devMajor, devMinor, checksum] = [0, 0, 0, 0, 0, 0];
  const fields = [
    ...[inode, mode, uid, gid, links, mtime, content.length, devMajor, devMinor, devMajor, devMinor],
    ...[nameBytes.length, checksum],
  ];
  const header = Buffer.from(`070701${fields.map((field) => field.toString(16).padStart(8, "0")).join("")}`);
  return [header, nameBytes, padding(header.length + nameBytes.length), content, padding(content.length)];
}

function padding(length: number): Uint8Array {
  return new Uint8Array((ALIGNMENT - (length % ALIGNMENT)) % ALIGNMENT);
}
