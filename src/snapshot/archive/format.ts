/** Which files an archive of a saved machine may hold, and what limits them. Pure. */
import { formatBytes } from "../../base/units.ts";
import type { MachineSnapshot } from "../../generated/machine-snapshot.ts";
import type { TarEntry } from "../../image/archive/tar-reader.ts";
import { SnapshotError } from "../errors.ts";
import { isHashed } from "../marks.ts";
import { MAX_RECORD_BYTES } from "../record.ts";
import { CONSOLE_FILE, FIRMWARE_FILE, MEMORY_FILE, STATE_FILE, TPM_FILE } from "../saved-machine.ts";

/** The first file of an archive: the record, and so what else may be there. */
export const MANIFEST_FILE = "snapshot.json";

const MIB = 1_024 ** 2;

export interface SnapshotLimits {
  /** Apparent size of a disk, and of the memory. */
  maxFileBytes: number;
}

export const DEFAULT_LIMITS: SnapshotLimits = { maxFileBytes: 1_024 ** 4 };

export function maxBytesOf(name: string, { maxFileBytes }: SnapshotLimits): number {
  switch (name) {
    case MANIFEST_FILE:
      return MAX_RECORD_BYTES;
    case CONSOLE_FILE:
    case TPM_FILE:
      return MIB;
    case FIRMWARE_FILE:
      return 64 * MIB;
    // The memory of a graphics card is in it.
    case STATE_FILE:
      return 1_024 * MIB;
    default:
      return maxFileBytes;
  }
}

/**
 * @param record Undefined before the manifest was read, which is the first file.
 * @throws {SnapshotError} saying which rule the entry breaks.
 */
export function judgeEntry(
  { name, kind, realBytes, storedBytes }: Pick<TarEntry, "name" | "kind" | "realBytes" | "storedBytes">,
  record: MachineSnapshot | undefined,
  seen: ReadonlySet<string>,
  limits: SnapshotLimits,
): void {
  const shown = JSON.stringify(name.slice(0, 200));
  if (kind !== "file") throw refused(`holds ${shown}, which is no plain file`);
  if (record === undefined && name !== MANIFEST_FILE)
    throw refused(`begins with ${shown} and not with ${MANIFEST_FILE}`);
  if (seen.has(name)) throw refused(`holds ${shown} twice`);
  const listed = record?.files.find((file) => file.name === name);
  if (record !== undefined && listed === undefined)
    throw refused(`holds ${shown}, which its ${MANIFEST_FILE} does not name`);
  const max = maxBytesOf(name, limits);
  if (realBytes > max || storedBytes > max + MAP_ALLOWANCE) {
    throw refused(`holds ${shown} with ${formatBytes(realBytes)}, and at most ${formatBytes(max)} are allowed`);
  }
  if (listed !== undefined && listed.bytes !== realBytes) {
    throw refused(`holds ${shown} with ${realBytes} bytes, and its ${MANIFEST_FILE} says ${listed.bytes}`);
  }
}

/** What is stored for a sparse file holds its map too. */
const MAP_ALLOWANCE = 32 * MIB;

/** Once the manifest is known. @throws {SnapshotError} */
export function judgeManifest({ files, machine, directBoot }: MachineSnapshot, limits: SnapshotLimits): void {
  if (directBoot !== undefined)
    throw refused(`names a kernel of its host, ${JSON.stringify(directBoot.kernel.slice(0, 200))}`);
  for (const { name, bytes, sha256 } of files) {
    if (sha256 !== undefined && !isHashed(name, bytes)) throw refused(`has a digest of ${name}, of which none is kept`);
    const max = maxBytesOf(name, limits);
    if (bytes > max)
      throw refused(`has ${name} with ${formatBytes(bytes)}, and at most ${formatBytes(max)} are allowed`);
  }
  const memory = files.find(({ name }) => name === MEMORY_FILE);
  const expected = (machine.memory ?? 0) * MIB;
  if (memory?.bytes !== expected) {
    throw refused(`has ${memory?.bytes ?? 0} bytes of memory, and its machine ${expected}`);
  }
}

/** @throws {SnapshotError} naming what is missing. */
export function judgeCompleteness(record: MachineSnapshot | undefined, seen: ReadonlySet<string>): MachineSnapshot {
  if (record === undefined) throw refused("is empty");
  const missing = record.files.map(({ name }) => name).filter((name) => !seen.has(name));
  if (missing.length > 0) throw refused(`has no ${missing.join(" and no ")}`);
  return record;
}

/** The most an archive may unpack to. */
export function maxArchiveBytes({ maxFileBytes }: SnapshotLimits): number {
  return Math.min(Number.MAX_SAFE_INTEGER, 4 * maxFileBytes + 2_048 * MIB);
}

export function refused(what: string, cause?: unknown): SnapshotError {
  return new SnapshotError("snapshot-archive-refused", `the archive ${what}; it is no snapshot that can be imported`, {
    blame: "task",
    cause,
  });
}
