/** What options of `boxcar vm` mean. Pure. */
import { InvalidArgumentError, Option } from "commander";
import { tryParseDuration } from "../../base/units.ts";
import type { VmDisk, VmForward } from "../../hypervisor/spec.ts";

export interface OutputFlag {
  output?: "text" | "json";
}

/** `-o json`. */
export function outputOption(): Option {
  return new Option("-o, --output <format>", "what is printed").choices(["text", "json"]).default("text");
}

const UNITS: Readonly<Record<string, number>> = { k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };
const SIZE = /^(\d{1,9})\s*(?:([kmgt])(?:i?b)?)?$/i;

/** 512M, 2G; a number alone is MiB. */
export function parseSizeBytes(text: string): number {
  const match = SIZE.exec(text.trim());
  const unit = UNITS[match?.[2]?.toLowerCase() ?? "m"];
  const bytes = Number(match?.[1]) * (unit ?? Number.NaN);
  if (Number.isSafeInteger(bytes) && bytes > 0) return bytes;
  throw new InvalidArgumentError("It must be a size such as 512M or 2G.");
}

export function parseMemory(text: string): number {
  const mebibytes = parseSizeBytes(text) / 2 ** 20;
  if (Number.isInteger(mebibytes)) return mebibytes;
  throw new InvalidArgumentError("It must be whole MiB, such as 512M or 2G.");
}

export function parseCount(text: string): number {
  if (/^\d{1,3}$/.test(text) && Number(text) > 0) return Number(text);
  throw new InvalidArgumentError("It must be a number from 1 on.");
}

export function parsePort(text: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port >= 1 && port <= 65_535) return port;
  throw new InvalidArgumentError("It must be a port, from 1 to 65535.");
}

export function parseDurationMs(text: string): number {
  const ms = tryParseDuration(/^\d+$/.test(text) ? Number(text) : text);
  if (ms !== undefined) return ms;
  throw new InvalidArgumentError('It must be a duration such as "90 seconds" or 5m.');
}

const FORWARD = /^(?:(?:(?<host>\d{1,3}(?:\.\d{1,3}){3}|localhost):)?(?<hostPort>\d{1,5}):)?(?<guestPort>\d{1,5})$/;

/** [ADDRESS:][PORT:]GUEST-PORT; without a port of the host one that is free. */
export function parseForward(text: string, before: VmForward[] = []): VmForward[] {
  const { host, hostPort = "0", guestPort } = FORWARD.exec(text)?.groups ?? {};
  const ports = [Number(hostPort), Number(guestPort)] as const;
  if (guestPort === undefined || ports.some((port) => port > 65_535) || ports[1] === 0) {
    throw new InvalidArgumentError("It must be [ADDRESS:]PORT:GUEST-PORT or GUEST-PORT, such as 8080:80.");
  }
  const address = host === undefined || host === "localhost" ? "127.0.0.1" : host;
  if (before.some((each) => each.hostPort === ports[0] && each.hostPort !== 0 && each.host === address)) {
    throw new InvalidArgumentError(`The port ${address}:${ports[0]} is there twice.`);
  }
  return [...before, { host: address, hostPort: ports[0], guestPort: ports[1] }];
}

const DISK = /^(?<name>[a-z0-9][a-z0-9-]{0,30}):(?<size>[^:]+)(?::(?<rest>.*))?$/;

/** NAME:SIZE[:MOUNT]; MOUNT is a path, or `none` for a bare disk. */
export function parseDisk(text: string, before: VmDisk[] = []): VmDisk[] {
  const { name, size, rest } = DISK.exec(text)?.groups ?? {};
  if (name === undefined || size === undefined || (rest !== undefined && rest !== "none" && !rest.startsWith("/"))) {
    throw new InvalidArgumentError("It must be NAME:SIZE, NAME:SIZE:/PATH or NAME:SIZE:none, such as data:2G:/data.");
  }
  if (before.some((disk) => disk.name === name)) throw new InvalidArgumentError(`There are two disks ${name}.`);
  const disk: VmDisk = {
    ...{ name, sizeBytes: parseSizeBytes(size), fs: rest === "none" ? "none" : "ext4" },
    ...(rest === "none" ? {} : { mount: rest ?? `/mnt/${name}` }),
  };
  if (disk.sizeBytes < MIN_DISK_BYTES) throw new InvalidArgumentError("It must have at least 4M.");
  const place = placeOf(disk);
  if (place !== undefined && before.map(placeOf).includes(place)) {
    throw new InvalidArgumentError(`There are two disks at ${place}.`);
  }
  return [...before, disk];
}

/** As the record of a machine has it. */
const MIN_DISK_BYTES = 4 * 2 ** 20;

function placeOf({ mount }: VmDisk): string | undefined {
  return mount === undefined ? undefined : mount.replaceAll(/\/+/g, "/").replace(/(?<=.)\/$/, "");
}

/** Where a file is: `NAME:PATH` is in a machine. A path with a slash before its colon is here. */
export function parsePlace(text: string): { readonly machine: string | undefined; readonly path: string } {
  const match = /^([^/:]+):(.*)$/s.exec(text);
  return match === null ? { machine: undefined, path: text } : { machine: match[1], path: match[2] ?? "" };
}

export function collect(text: string, before: string[] = []): string[] {
  return [...before, text];
}
