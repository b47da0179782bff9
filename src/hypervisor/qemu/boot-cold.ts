/** Gives up what a machine was to go on from, where it cannot, or nobody wants it: it boots from its disk then. */
import { rm } from "node:fs/promises";
import { codeOf, messageOf, WorkerError } from "../../base/errors.ts";
import type { VmRecord } from "../../generated/vm-record.ts";
import type { VmIndex } from "../index-store.ts";
import { called } from "../refs.ts";
import { MachineFiles } from "./machine-files.ts";
import { settleFiles } from "./saved-files.ts";

/**
 * Has the next start boot. The disk is that of the instant at which it was saved, where it was to go on from there; what
 * was in its memory is lost.
 *
 * @throws {VmError} `vm-busy`
 */
export async function bootNext(index: VmIndex, id: string): Promise<void> {
  await using lock = await index.lock(id);
  const { goesOn, ...record } = lock.record;
  const files = new MachineFiles(index.folderOf(id));
  // A disk that was staged is the one it is to have.
  if (goesOn !== undefined) await settleFiles(files, lock.record);
  // Else the first start would begin anew, with the disk of its image.
  await lock.write(record.starts === 0 ? { ...record, cold: true } : record);
  if (goesOn !== undefined) for (const file of [files.state, files.memory]) await rm(file, { force: true });
}

/** For who has started it: that there is another way. A copy is not started again: it is gone, and can be made anew. */
export function doesNotGoOn(error: unknown, record: VmRecord): unknown {
  if (record.starts === 0) return error;
  const name = called(record);
  return new WorkerError(
    `${name} does not go on from what was saved: ${messageOf(error)}; "boxcar vm start --cold ${name}" boots it from its disk: what was in its memory is lost`,
    {
      code: codeOf(error) ?? "vm-start-failed",
      blame: error instanceof WorkerError ? error.blame : "host",
      cause: error,
    },
  );
}
