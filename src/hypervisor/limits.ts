/**
 * What all machines of a host may take together. Where there is a limit, those who want more come one after the other:
 * of two who would both just fit, the second one is told.
 */
import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { formatBytes } from "../base/units.ts";
import type { VmsSettings } from "../config/vms.ts";
import type { VmRecord } from "../generated/vm-record.ts";
import { ignoreMissing } from "../host/durable-file.ts";
import type { CloneOptions, WantedRoom } from "./direct.ts";
import { VmError } from "./errors.ts";
import type { VmEntry, VmIndex } from "./index-store.ts";
import { called } from "./refs.ts";

interface Means {
  readonly index: VmIndex;
  readonly vms: VmsSettings;
  /** Fires when nobody waits any longer for a turn. */
  readonly signal?: AbortSignal | undefined;
}

/** @param more How many are to be made. @throws {VmError} `vm-limits`: that would be too many. Pure. */
export function requireCount(count: number, { max }: VmsSettings, more = 1): void {
  if (max === undefined || count + more <= max) return;
  const now = count === 1 ? "there is 1" : `there are ${count}`;
  const there = more === 1 ? now : `${now}, and ${more} more are wanted`;
  throw tooMuch(`at most ${max} machines may be there`, "max", `${there}; remove one ("boxcar vm rm")`);
}

/** @throws {VmError} `vm-limits`: they would have too much memory together. Pure. */
export function requireMemory(
  entries: readonly VmEntry[],
  record: Pick<VmRecord, "id" | "name" | "machine">,
  vms: VmsSettings,
): void {
  const others = entries.filter(({ record: { id } }) => id !== record.id);
  const { memory = 0 } = record.machine;
  requireFreeMemory(others, memory, vms, `${called(record)} has ${memory}`);
}

/** @param why What wants it. */
function requireFreeMemory(
  entries: readonly VmEntry[],
  wantedMiB: number,
  { maxMemory }: VmsSettings,
  why: string,
): void {
  if (maxMemory === undefined) return;
  // Whose lock somebody has either runs or is being started.
  const live = entries.filter(({ record: { state }, holder }) => state !== "creating" && holder !== undefined);
  const taken = live.reduce((sum, { record: { machine } }) => sum + (machine.memory ?? 0), 0);
  if (taken + wantedMiB <= maxMemory) return;
  const what = `machines that run may have ${maxMemory} MiB together`;
  throw tooMuch(what, "maxMemory", `${taken} MiB are taken, and ${why}; stop one ("boxcar vm stop")`);
}

/** @throws {VmError} `vm-limits`: their files would take too much. Pure. */
export function requireDisk(
  takenBytes: number,
  moreBytes: number,
  { maxDiskBytes }: VmsSettings,
  who = "the new one needs",
): void {
  if (maxDiskBytes === undefined || takenBytes + moreBytes <= maxDiskBytes) return;
  const more = moreBytes === 0 ? "" : `, and ${who} ${formatBytes(moreBytes)}`;
  const why = `${formatBytes(takenBytes)} are taken${more}; remove one ("boxcar vm rm")`;
  throw tooMuch(`files of machines may take ${formatBytes(maxDiskBytes)}`, "maxDiskGiB", why);
}

function tooMuch(what: string, limit: keyof VmsSettings | "maxDiskGiB", why: string): VmError {
  return new VmError("vm-limits", `${what} (vms.${limit} of the configuration), ${why}, or raise the limit`);
}

/** What {@link Direct.requireRoom} says; nothing is held. @throws {VmError} `vm-limits` */
export async function requireRoom({ index, vms }: Means, { count, memoryMiB, copiedBytes }: WantedRoom): Promise<void> {
  if (vms.max === undefined && vms.maxMemory === undefined && vms.maxDiskBytes === undefined) return;
  const entries = await index.list();
  requireCount(entries.length, vms, count);
  const memory = count * memoryMiB;
  const whose = count === 1 ? "the new one has" : `${count} more machines have`;
  requireFreeMemory(entries, memory, vms, `${whose} ${memory}`);
  if (vms.maxDiskBytes === undefined) return;
  const who = count === 1 ? "the new one needs" : "the new ones need";
  requireDisk(await diskBytesBelow(index.directory), count * copiedBytes, vms, who);
}

/**
 * @param moreBytes What is copied for it.
 * @param admit A further limit, of whoever makes it: see {@link CloneOptions}.
 * @throws {VmError} `vm-limits`; what `make` and `admit` throw.
 */
export async function makeWithinLimits<T>(
  { index, vms, signal }: Means,
  moreBytes: number,
  make: () => Promise<T>,
  admit?: CloneOptions["admit"],
): Promise<T> {
  if (vms.max === undefined && vms.maxDiskBytes === undefined && admit === undefined) return await make();
  await using _turn = await index.acquireTurn("make", signal);
  const there = await index.list();
  requireCount(there.length, vms);
  admit?.(there.map(({ record }) => record));
  if (vms.maxDiskBytes !== undefined) requireDisk(await diskBytesBelow(index.directory), moreBytes, vms);
  return await make();
}

/** @param start Resolves when it runs. @throws {VmError} `vm-limits`; what `start` throws; `signal.reason` */
export async function startWithinLimits(
  { index, vms, signal }: Means,
  record: VmRecord,
  start: () => Promise<void>,
): Promise<void> {
  if (vms.maxMemory === undefined) return await start();
  await using _turn = await index.acquireTurn("start", signal);
  requireMemory(await index.list(), record, vms);
  await start();
}

/** Files that several machines have are counted once. */
async function diskBytesBelow(directory: string, seen = new Set<string>()): Promise<number> {
  let bytes = 0;
  for (const entry of (await readdir(directory, { withFileTypes: true }).catch(ignoreMissing)) ?? []) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) bytes += await diskBytesBelow(path, seen);
    if (!entry.isFile()) continue;
    const found = await lstat(path).catch(ignoreMissing);
    if (found === undefined || seen.has(`${found.dev}:${found.ino}`)) continue;
    seen.add(`${found.dev}:${found.ino}`);
    bytes += found.blocks * 512;
  }
  return bytes;
}
