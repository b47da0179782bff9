/** A saved machine that is being made: a folder in staging, which enters the store whole or not at all. */
import { join } from "node:path";
import { InvalidInputError } from "../base/errors.ts";
import type { MachineSnapshot } from "../generated/machine-snapshot.ts";
import { syncDirectory, syncFile, writeDurably } from "../host/durable-file.ts";
import { parseAs } from "../schema/parse.ts";
import { formatRecord } from "./format-record.ts";
import { markFile } from "./marks.ts";
import { neededFiles, parseRecord } from "./record.ts";
import type { RoomLimits } from "./room.ts";
import { CONSOLE_FILE, MEMORY_FILE, RECORD_FILE, type SavedMachine, type SnapshotFacts } from "./saved-machine.ts";

export interface SnapshotDraft extends AsyncDisposable {
  /** What it will be called. */
  readonly id: string;
  /** Absolute path of an empty folder; files get in it the names of saved-machine.ts. */
  readonly directory: string;
  /**
   * Makes it a snapshot that others find. Nothing writes to its files any more; the caller holds a lease on its image.
   *
   * @param layers Of how many files its disk consists.
   * @param room Default: there is room.
   * @throws {SnapshotError} `snapshot-exists`: the name is taken; `snapshots-full`.
   */
  publish(facts: SnapshotFacts, layers: number, room?: RoomLimits): Promise<SavedMachine>;
}

export interface SealedDraft {
  record: MachineSnapshot;
  diskBytes: number;
}

const ID = /^[0-9a-f]{12}$/;

/** Before there are any files. @throws {@link InvalidInputError} (blame: task) such as for a name that none can have. */
export function requireFacts(facts: SnapshotFacts): void {
  const record = { version: 1, id: "0".repeat(12), ...facts, layers: 1, files: [{ name: MEMORY_FILE, bytes: 0 }] };
  parseAs("machine-snapshot", record, { subject: "The snapshot", blame: "task" });
  // It would never be found, or hide the one that has it.
  if (facts.name === undefined || !ID.test(facts.name)) return;
  const issue = { path: "name", message: `${facts.name} looks like the id of a snapshot; choose another name` };
  throw new InvalidInputError("The snapshot", [issue], "task");
}

/** Writes the record, when all of the files are on the disk. */
export async function sealDraft(
  directory: string,
  id: string,
  facts: SnapshotFacts,
  layers: number,
  names: readonly string[],
): Promise<SealedDraft> {
  requireFacts(facts);
  const record: MachineSnapshot = { version: 1, id, ...facts, layers, files: [] };
  const wanted = [...neededFiles(record), ...(names.includes(CONSOLE_FILE) ? [CONSOLE_FILE] : [])];
  const files = await Promise.all(
    wanted.map(async (name) => {
      await syncFile(join(directory, name));
      return await markFile(directory, name);
    }),
  );
  record.files = files.map(({ mark }) => mark);
  const text = formatRecord(record);
  // What could not be read again is found out now.
  parseRecord(text, { subject: "The record of the snapshot", blame: "worker" });
  await writeDurably(join(directory, RECORD_FILE), text);
  await syncDirectory(directory);
  return { record, diskBytes: files.reduce((sum, { diskBytes }) => sum + diskBytes, 0) };
}
