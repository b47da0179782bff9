/** Gives the disk back what killed processes have left in the folders of machines that stay: a memory may be large. */
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { codeOf } from "../../base/errors.ts";
import type { VmRecord } from "../../generated/vm-record.ts";
import { ignoreMissing } from "../../host/durable-file.ts";
import type { VmIndex } from "../index-store.ts";
import { isLive } from "../states.ts";
import { needlessFiles } from "./saved-files.ts";

/** Of machines that do not run; those that somebody has are left alone. */
export async function tidyFolders(index: VmIndex): Promise<void> {
  for (const { record, holder } of await index.list()) {
    if (holder !== undefined || isLive(record.state) || (await findNeedless(index, record)).length === 0) continue;
    try {
      await using lock = await index.lock(record.id);
      const folder = index.folderOf(record.id);
      for (const name of await findNeedless(index, lock.record))
        await rm(join(folder, name), { recursive: true, force: true });
    } catch (error) {
      if (codeOf(error) !== "vm-busy" && codeOf(error) !== "vm-not-found") throw error;
    }
  }
}

async function findNeedless(index: VmIndex, record: VmRecord): Promise<string[]> {
  return needlessFiles((await readdir(index.folderOf(record.id)).catch(ignoreMissing)) ?? [], record);
}
