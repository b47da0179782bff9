/**
 * What boxcar-inspect says, taken apart; see src/guest/inspect/main.c. Pure.
 *
 * It runs in a machine that has mounted file systems of somebody else, and may not be itself any more.
 */
import { InspectionError } from "./errors.ts";

export type FileType = "file" | "folder" | "link" | "block device" | "character device" | "pipe" | "socket" | "unknown";

/** A file system, or what else takes a part of a disk. */
export interface Volume {
  /** Of the table of the disk; 0: the whole disk. */
  readonly partition: number;
  readonly sizeBytes: number;
  /** As its file system has it; 0 if nobody knows. */
  readonly usedBytes: number;
  readonly type: string;
  /** Why it cannot be looked into; undefined if it can. */
  readonly obstacle: string | undefined;
}

export interface FileFacts {
  readonly type: FileType;
  /** Permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Of what is no plain file: 0. */
  readonly sizeBytes: number;
  /** Names it has. */
  readonly links: number;
  /** Of a device, such as `8:1`. */
  readonly device?: string;
  /** Of a link, one character for each byte. */
  target?: string;
}

export type InspectRecord =
  | { readonly kind: "volume"; readonly disk: number; readonly number: number; readonly volume: Volume }
  /** The path has one character for each byte, and no slash in front. */
  | { readonly kind: "entry"; readonly volume: number; readonly path: string; readonly facts: FileFacts }
  | { readonly kind: "target"; readonly target: string }
  | { readonly kind: "trouble"; readonly volume: number; readonly text: string }
  | { readonly kind: "too-many" }
  | { readonly kind: "end"; readonly disk: number }
  | { readonly kind: "failure"; readonly text: string };

export const MAX_RECORD_BYTES = 16 * 1_024;
const MAX_VOLUMES = 32;

const TYPES: Readonly<Record<string, FileType>> = {
  f: "file",
  d: "folder",
  l: "link",
  b: "block device",
  c: "character device",
  p: "pipe",
  s: "socket",
  "?": "unknown",
};

const VOLUME = /^V(\d{1,2}) (\d{1,2}) (\d{1,4}) (\d{1,19}) (\d{1,19}) ([A-Za-z0-9]{1,16}) (.*)$/s;
const ENTRY =
  /^E(\d{1,2}) (.) ([0-7]{1,4}) (\d{1,10}) (\d{1,10}) (\d{1,20}) -?\d{1,19} (\d{1,20}) (\d{1,10}:\d{1,10}) (.+)$/s;
const TROUBLE = /^W(\d{1,2}) (.*)$/s;
const END = /^D(\d{1,2})$/;

/** @throws {InspectionError} `inspection-protocol-error` */
export function parseRecord(bytes: Buffer): InspectRecord {
  if (bytes.length > MAX_RECORD_BYTES) throw wrong();
  const text = bytes.toString("latin1");
  switch (text[0]) {
    case "V":
      return parseVolume(text);
    case "E":
      return parseEntry(text);
    case "L":
      return { kind: "target", target: text.slice(1) };
    case "W": {
      const [, volume, rest = ""] = TROUBLE.exec(text) ?? [];
      return { kind: "trouble", volume: volumeNumber(volume), text: rest };
    }
    case "T":
      return { kind: "too-many" };
    case "D":
      return { kind: "end", disk: integer(END.exec(text)?.[1]) };
    case "F":
      return { kind: "failure", text: text.slice(1) };
    default:
      throw wrong();
  }
}

function parseVolume(text: string): InspectRecord {
  const [, disk, number, partition, size, used, type, obstacle] = VOLUME.exec(text) ?? [];
  if (type === undefined) throw wrong();
  const volume = {
    partition: integer(partition),
    sizeBytes: integer(size),
    usedBytes: integer(used),
    type,
    obstacle: obstacle === "" ? undefined : obstacle,
  };
  return { kind: "volume", disk: integer(disk), number: volumeNumber(number), volume };
}

function parseEntry(text: string): InspectRecord {
  const [, volume, letter = "", mode = "", uid, gid, size, links, device, path] = ENTRY.exec(text) ?? [];
  const type = Object.hasOwn(TYPES, letter) ? TYPES[letter] : undefined;
  if (type === undefined || path === undefined) throw wrong();
  const isDevice = type === "block device" || type === "character device";
  const facts: FileFacts = {
    type,
    mode: Number.parseInt(mode, 8),
    uid: integer(uid),
    gid: integer(gid),
    sizeBytes: type === "file" ? integer(size) : 0,
    links: type === "folder" ? 1 : integer(links),
    ...(isDevice && device !== undefined ? { device } : {}),
  };
  return { kind: "entry", volume: volumeNumber(volume), path, facts };
}

function volumeNumber(digits: string | undefined): number {
  const number = integer(digits);
  if (number >= MAX_VOLUMES) throw wrong();
  return number;
}

/** Sizes of damaged file systems may be beyond what numbers tell apart; near enough, then. */
function integer(digits: string | undefined): number {
  if (digits === undefined) throw wrong();
  return Math.min(Number(digits), Number.MAX_SAFE_INTEGER);
}

function wrong(): InspectionError {
  return new InspectionError("inspection-protocol-error", "the inspecting machine has sent what it must not");
}
