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
import { VmError } from "./errors.ts";
import type { VmEntry, VmIndex } from "./index-store.ts";
import { called } from "./refs.ts";

interface Means {
  readonly index: VmIndex;
  readonly vms: VmsSettings;
}

/** @throws {VmError} `vm-limits`: that would be too many. Pure. */
export function requireCount(count: number, { max }: VmsSettings): void {
  if (max === undefined || count < max) return;
  const there = count === 1 ? "there is 1" : `there are ${count}`;
  throw tooMuch(`at most ${max} machines may be there`, "max", `${there}; remove one ("boxcar vm rm")`);
}

/** @throws {VmError} `vm-limits`: they would have too much memory together. Pure. */
export function requireMemory(
  entries: readonly VmEntry[],
  record: Pick<VmRecord, "id" | "name" | "machine">,
  { maxMemory }: VmsSettings,
): void {
  if (maxMemory === undefined) return;
  // Whose lock somebody has either runs or is being started.
  const others = entries.filter(({ record: { id, state }, holder }) => {
    return id !== record.id && state !== "creating" && holder !== undefined;
  });
  const taken = others.reduce((sum, { record: { machine } }) => sum + (machine.memory ?? 0), 0);
  const wanted = record.machine.memory ?? 0;
  if (taken + wanted <= maxMemory) return;
  const what = `machines that run may have ${maxMemory} MiB together`;
  const why = `${taken} MiB are taken, and ${called(record)} has ${wanted}; stop one ("boxcar vm stop")`;
  throw tooMuch(what, "maxMemory", why);
}

/** @throws {VmError} `vm-limits`: their files would take too much. Pure. */
export function requireDisk(takenBytes: number, moreBytes: number, { maxDiskBytes }: VmsSettings): void {
  if (maxDiskBytes === undefined || takenBytes + moreBytes <= maxDiskBytes) return;
  const more = moreBytes === 0 ? "" : `, and the new one needs ${formatBytes(moreBytes)}`;
  const why = `${formatBytes(takenBytes)} are taken${more}; remove one ("boxcar vm rm")`;
  throw tooMuch(`files of machines may take ${formatBytes(maxDiskBytes)}`, "maxDiskGiB", why);
}

function tooMuch(what: string, limit: keyof VmsSettings | "maxDiskGiB", why: string): VmError {
  return new VmError("vm-limits", `${what} (vms.${limit} of the configuration), ${why}, or raise the limit`);
}

/** @param moreBytes What is copied for it. @throws {VmError} `vm-limits`; what `make` throws. */
export async function makeWithinLimits<T>(
  { index, vms }: Means,
  moreBytes: number,
  make: () => Promise<T>,
): Promise<T> {
  if (vms.max === undefined && vms.maxDiskBytes === undefined) return await make();
  await using _turn = await index.acquireTurn("make");
  requireCount((await index.list()).length, vms);
  if (vms.maxDiskBytes !== undefined) requireDisk(await diskBytesBelow(index.directory), moreBytes, vms);
  return await make();
}

/** @param start Resolves when it runs. @throws {VmError} `vm-limits`; what `start` throws. */
export async function startWithinLimits(
  { index, vms }: Means,
  record: VmRecord,
  start: () => Promise<void>,
): Promise<void> {
  if (vms.maxMemory === undefined) return await start();
  await using _turn = await index.acquireTurn("start");
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
