/** Which of the saved machines is the checkpoint that a task names. Pure. */
import type { SavedMachine, SnapshotEntry } from "../../snapshot/saved-machine.ts";
import { isExpired } from "../../snapshot/snapshot-store.ts";

/** The newest that a task made under this name, where it ran more than once; or that of one run. */
export function findCheckpoint(
  entries: readonly SnapshotEntry[],
  { taskId, runId, checkpoint }: { taskId: string; runId?: number | undefined; checkpoint: string },
  now: Date,
): SavedMachine | undefined {
  return entries
    .filter((entry) => entry.kind === "machine")
    .filter((saved) => !isExpired(saved, now))
    .filter(({ record: { kind, imported, source } }) => {
      const { task } = source;
      // An archive can say that it is of any task, and for anybody.
      const isMade = kind === "checkpoint" && imported !== true;
      const isOfTask = isMade && task?.taskId === taskId && task.checkpoint === checkpoint;
      return isOfTask && (runId === undefined || task.runId === runId);
    })
    .sort((a, b) => b.created.getTime() - a.created.getTime())[0];
}
