/** One saved machine, as it is on the disk. */
import { readdir, readFile, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { messageOf } from "../base/errors.ts";
import { ignoreMissing } from "../host/durable-file.ts";
import { SnapshotError } from "./errors.ts";
import type { SnapshotLayout } from "./layout.ts";
import { compareMarks } from "./marks.ts";
import { MAX_RECORD_BYTES, parseRecord } from "./record.ts";
import { notFound } from "./reference.ts";
import { RECORD_FILE, type SavedMachine, type SnapshotEntry } from "./saved-machine.ts";

/** undefined: there is none of this id. */
export async function readEntry(layout: SnapshotLayout, id: string): Promise<SnapshotEntry | undefined> {
  return await readFolder(layout.path("machines", id), id);
}

/**
 * One that is in no store, or whose folder is known.
 *
 * @param directory Absolute path.
 * @throws {SnapshotError} `snapshot-not-found`, `snapshot-damaged`
 */
export async function readSaved(directory: string): Promise<SavedMachine> {
  const entry = await readFolder(directory, undefined);
  if (entry?.kind === "machine") return entry;
  if (entry === undefined) throw notFound(directory);
  const message = `the snapshot in ${directory} is damaged (${entry.why})`;
  throw new SnapshotError("snapshot-damaged", message, { blame: "host" });
}

/** @param id Its name in a store. */
async function readFolder(directory: string, id: string | undefined): Promise<SnapshotEntry | undefined> {
  if ((await stat(directory).catch(ignoreMissing)) === undefined) return undefined;
  const damaged = async (why: string): Promise<SnapshotEntry> => {
    return { kind: "damaged", id: id ?? basename(directory), why, diskBytes: await diskBytesOf(directory) };
  };
  let record: ReturnType<typeof parseRecord>;
  try {
    record = parseRecord(await readRecord(join(directory, RECORD_FILE)), { subject: "The record", blame: "host" });
  } catch (error) {
    // Somebody may have removed it meanwhile.
    if ((await stat(directory).catch(ignoreMissing)) === undefined) return undefined;
    return await damaged(`its record cannot be read: ${messageOf(error)}`);
  }
  if (id !== undefined && record.id !== id) return await damaged(`its record is that of ${record.id}`);
  const { diskBytes, changed } = await compareMarks(directory, record.files);
  if (changed !== undefined) {
    if ((await stat(directory).catch(ignoreMissing)) === undefined) return undefined;
    return await damaged(`its file ${changed} was changed`);
  }
  const expires = record.expires === undefined ? undefined : new Date(record.expires);
  return { kind: "machine", id: record.id, record, directory, created: new Date(record.created), expires, diskBytes };
}

async function readRecord(path: string): Promise<string> {
  const { size } = await stat(path);
  if (size > MAX_RECORD_BYTES) throw new Error(`it has ${size} bytes`);
  return await readFile(path, "utf8");
}

async function diskBytesOf(directory: string): Promise<number> {
  const names = (await readdir(directory).catch(ignoreMissing)) ?? [];
  const sizes = await Promise.all(names.map((name) => stat(join(directory, name)).catch(() => undefined)));
  return sizes.reduce((sum, found) => sum + (found?.isFile() === true ? found.blocks * 512 : 0), 0);
}
