/**
 * Whether a disk from elsewhere may be shown to qemu-img: it is what it is said to be, stands alone, and is within the
 * limits.
 */
import { type FileHandle, open } from "node:fs/promises";
import { basename } from "node:path";
import { formatBytes } from "../../base/units.ts";
import { type DiskRole, foreignDisk, refusal, shown } from "../disk-role.ts";
import { ImageError } from "../errors.ts";
import { parseQcow2Header, QCOW2_HEADER_BYTES } from "../qcow2-header.ts";
import { judgeQcow2 } from "../qcow2-policy.ts";
import type { DiskFormat } from "../qemu-img.ts";
import { detectFormat } from "./detect-format.ts";
import type { DiskLimits } from "./limits.ts";
import { judgeVdiMap, parseVdiHeader, VDI_HEADER_BYTES } from "./vdi.ts";
import { judgeVmdkFooter, parseVmdkHeader, VMDK_FOOTER_BYTES, VMDK_HEADER_BYTES } from "./vmdk.ts";
import { judgeVmdkDescriptor } from "./vmdk-descriptor.ts";

const PROBE_BYTES = 512;
/** How qcow2 files are told from others; version 1 is no qcow2. */
const SIGNATURE_OF: Readonly<Record<DiskFormat, string | undefined>> = {
  raw: undefined,
  qcow2: "qcow",
  vmdk: "vmdk",
  vdi: "vdi",
};

interface Judged {
  file: FileHandle;
  fileBytes: number;
  limits: DiskLimits;
  role: DiskRole;
}

/**
 * @returns the size of the disk a guest would see.
 * @throws {@link ImageError} `disk-other-format`, or what is wrong with it.
 */
export async function judgeDisk(path: string, format: DiskFormat, limits: DiskLimits): Promise<number> {
  await using file = await open(path, "r");
  const stats = await file.stat();
  const role = foreignDisk(shown(basename(path)));
  if (!stats.isFile()) throw new ImageError("disk-other-format", `${role.name} is no plain file`);
  const found = detectFormat(await read(file, 0, PROBE_BYTES));
  if (found !== SIGNATURE_OF[format]) {
    const what = found === undefined ? `no ${format} file` : `a ${found} file, and it is said to be ${format}`;
    throw new ImageError("disk-other-format", `${role.name} is ${what}; say which format it has`, {
      details: { format, ...(found === undefined ? {} : { found }) },
    });
  }
  return await JUDGES[format]({ file, fileBytes: stats.size, limits, role });
}

const JUDGES: Readonly<Record<DiskFormat, (judged: Judged) => Promise<number>>> = {
  async raw({ fileBytes, limits, role }) {
    if (fileBytes === 0) throw refusal(role, "corrupt", "is empty");
    if (fileBytes <= limits.maxVirtualBytes) return fileBytes;
    const figures = `${formatBytes(fileBytes)} and at most ${formatBytes(limits.maxVirtualBytes)} are allowed`;
    throw refusal(role, "too-large", `is a disk of ${figures}`);
  },

  async qcow2({ file, fileBytes, limits, role }) {
    const header = parseQcow2Header(await read(file, 0, QCOW2_HEADER_BYTES), role);
    if (header.backingFile !== undefined || header.backingFormat !== undefined) {
      const name = header.backingFile === undefined ? "" : ` ${shown(header.backingFile)}`;
      throw refusal(role, "backing-file", `is the difference to another file${name}; convert both into one`);
    }
    const [first] = judgeQcow2(header, { ...limits, fileBytes }, role);
    if (first !== undefined) throw first;
    if (header.virtualBytes === 0) throw refusal(role, "corrupt", "is corrupt: its disk has no bytes");
    return header.virtualBytes;
  },

  async vmdk({ file, fileBytes, limits, role }) {
    const start = await read(file, 0, VMDK_HEADER_BYTES);
    const { virtualBytes, descriptor, hasFooter } = parseVmdkHeader(start, fileBytes, limits, role);
    judgeVmdkDescriptor(await read(file, descriptor.offset, descriptor.bytes), virtualBytes, role);
    if (hasFooter) {
      const footer = await read(file, fileBytes - VMDK_FOOTER_BYTES, VMDK_FOOTER_BYTES);
      judgeVmdkFooter(start, footer, fileBytes, limits, role);
    }
    return virtualBytes;
  },

  async vdi({ file, fileBytes, limits, role }) {
    const header = parseVdiHeader(await read(file, 0, VDI_HEADER_BYTES), fileBytes, limits, role);
    judgeVdiMap(await read(file, header.map.offset, header.map.bytes), header, role);
    return header.virtualBytes;
  },
};

/** Fewer bytes where the file ends before. */
async function read(file: FileHandle, offset: number, bytes: number): Promise<Buffer> {
  const buffer = Buffer.alloc(bytes);
  const { bytesRead } = await file.read(buffer, 0, bytes, offset);
  return buffer.subarray(0, bytesRead);
}
