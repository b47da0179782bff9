/**
 * The header and the block map of a VirtualBox disk: dynamic or static, without a parent. Pure.
 *
 * @see QEMU block/vdi.c; VirtualBox, include/VBox/vd.h
 */
import { formatBytes } from "../../base/units.ts";
import { type DiskRole, refusal } from "../disk-role.ts";
import { ImageError } from "../errors.ts";
import { readSize } from "./fields.ts";
import type { DiskLimits } from "./limits.ts";

export const VDI_HEADER_BYTES = 512;

export interface VdiHeader {
  virtualBytes: number;
  blocks: number;
  allocatedBlocks: number;
  map: { offset: number; bytes: number };
}

const SIGNATURE = 0xbeda107f;
const VERSION = 0x0001_0001;
const TYPE_DYNAMIC = 1;
const TYPE_STATIC = 2;
const SECTOR_BYTES = 512;
const BLOCK_BYTES = 1_024 ** 2;
const ENTRY_BYTES = 4;
const LINK_UUID_OFFSET = 0x1a8;
const UUIDS_END = 0x1c8;
/** Entries from here on: nothing is stored for the block. */
const NO_BLOCK = 0xffff_fffe;

/** @throws {@link ImageError} the first thing that is wrong with it. */
export function parseVdiHeader(header: Buffer, fileBytes: number, limits: DiskLimits, role: DiskRole): VdiHeader {
  const corrupt = (what: string) => refusal(role, "corrupt", `is corrupt: ${what}`);
  if (header.length < VDI_HEADER_BYTES || header.readUInt32LE(0x40) !== SIGNATURE) {
    throw new ImageError(role.otherFormat, `${role.name} is no vdi file`);
  }
  const version = header.readUInt32LE(0x44);
  if (version !== VERSION) throw refusal(role, "features", `is VDI of version ${version >>> 16}.${version & 0xffff}`);
  const type = header.readUInt32LE(0x4c);
  if (header.subarray(LINK_UUID_OFFSET, UUIDS_END).some((byte) => byte !== 0)) {
    throw refusal(role, "backing-file", "is the difference to a parent; clone it with VBoxManage clonemedium first");
  }
  if (type !== TYPE_DYNAMIC && type !== TYPE_STATIC) {
    throw refusal(role, "backing-file", `is a VDI of type ${type}; dynamic and static disks stand alone`);
  }
  const virtualBytes = readSize(header, 0x170);
  if (virtualBytes === undefined || virtualBytes > limits.maxVirtualBytes) {
    const found = virtualBytes === undefined ? "2^53 bytes or more" : formatBytes(virtualBytes);
    throw refusal(
      role,
      "too-large",
      `is a disk of ${found} and at most ${formatBytes(limits.maxVirtualBytes)} are allowed`,
    );
  }
  if (virtualBytes === 0) throw corrupt("its disk has no bytes");
  if (header.readUInt32LE(0x168) !== SECTOR_BYTES)
    throw corrupt(`its sectors have ${header.readUInt32LE(0x168)} bytes`);
  if (header.readUInt32LE(0x178) !== BLOCK_BYTES) throw corrupt(`its blocks have ${header.readUInt32LE(0x178)} bytes`);
  if (header.readUInt32LE(0x17c) !== 0) throw refusal(role, "features", "keeps more than data in its blocks");
  const blocks = header.readUInt32LE(0x180);
  const needed = Math.ceil(virtualBytes / BLOCK_BYTES);
  if (blocks !== needed) throw corrupt(`it has ${blocks} blocks, and its size needs ${needed}`);
  const allocatedBlocks = header.readUInt32LE(0x184);
  if (allocatedBlocks > blocks) throw corrupt(`${allocatedBlocks} of ${blocks} blocks are in use`);
  const mapOffset = header.readUInt32LE(0x154);
  const dataOffset = header.readUInt32LE(0x158);
  const mapBytes = blocks * ENTRY_BYTES;
  if (mapOffset % SECTOR_BYTES !== 0 || dataOffset % SECTOR_BYTES !== 0) throw corrupt("its parts are not aligned");
  if (mapOffset < VDI_HEADER_BYTES) throw corrupt("its block map lies in its header");
  if (mapOffset + mapBytes > dataOffset) throw corrupt("its block map lies in its data");
  if (dataOffset > fileBytes || dataOffset + allocatedBlocks * BLOCK_BYTES > fileBytes) throw corrupt("it is cut off");
  return { virtualBytes, blocks, allocatedBlocks, map: { offset: mapOffset, bytes: mapBytes } };
}

/** @throws {@link ImageError} `disk-corrupt` unless every block has a place of its own. */
export function judgeVdiMap(map: Buffer, { blocks, allocatedBlocks }: VdiHeader, role: DiskRole): void {
  const corrupt = (what: string) => refusal(role, "corrupt", `is corrupt: ${what}`);
  if (map.length < blocks * ENTRY_BYTES) throw corrupt("its block map is cut off");
  const used = new Uint8Array(allocatedBlocks);
  for (let block = 0; block < blocks; block++) {
    const place = map.readUInt32LE(block * ENTRY_BYTES);
    if (place >= NO_BLOCK) continue;
    if (place >= allocatedBlocks) throw corrupt(`block ${block} lies beyond those in use`);
    if (used[place] === 1) throw corrupt(`block ${block} lies where another one is`);
    used[place] = 1;
  }
}
