/** Which of the saved machines is that of a run that failed. Pure. */
import { SnapshotError } from "../../snapshot/errors.ts";
import type { SavedMachine, SnapshotEntry } from "../../snapshot/saved-machine.ts";
import { isExpired } from "../../snapshot/snapshot-store.ts";

export interface WantedRun {
  /** Id of a task; with `isPrefix` also the beginning of it. */
  readonly task: string;
  readonly run: number | "latest";
  readonly isPrefix?: boolean;
}

/**
 * The newest, where there are several of one task.
 *
 * @throws {SnapshotError} `snapshot-ambiguous`: several tasks begin like that.
 */
export function findKept(entries: readonly SnapshotEntry[], wanted: WantedRun, now: Date): SavedMachine | undefined {
  const { task, run, isPrefix = false } = wanted;
  const kept = entries
    .filter((entry) => entry.kind === "machine")
    // An archive can say that it is of any task.
    .filter(({ record }) => record.kind === "failed" && record.imported !== true)
    .filter((saved) => !isExpired(saved, now))
    .sort((a, b) => b.created.getTime() - a.created.getTime());
  const ofTask = (fits: (taskId: string) => boolean) =>
    kept.filter(({ record: { source } }) => source.task !== undefined && fits(source.task.taskId));
  const exact = ofTask((taskId) => taskId === task);
  const found = exact.length > 0 || !isPrefix ? exact : ofTask((taskId) => taskId.startsWith(task));
  const tasks = new Set(found.map(({ record }) => record.source.task?.taskId));
  if (tasks.size > 1) {
    const message = `${task} is ambiguous: it is the beginning of ${[...tasks].join(", ")}; write more of the id`;
    throw new SnapshotError("snapshot-ambiguous", message, { blame: "task" });
  }
  return found.find(({ record }) => run === "latest" || record.source.task?.runId === run);
}

/** @param run What was asked for. */
export function nothingKept({ task, run }: Pick<WantedRun, "task" | "run">): SnapshotError {
  const which = run === "latest" ? `the task ${task}` : `run ${run} of the task ${task}`;
  const message =
    `no machine of ${which} is kept here: it did not fail, its payload has no onFailure, its log says why it could not ` +
    "be kept, or its time is over";
  return new SnapshotError("snapshot-not-found", message, { blame: "task" });
}
