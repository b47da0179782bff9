/** Why nobody has claimed a task yet, by what workers say of themselves. Pure. */
import type { WorkerEntry } from "../../queue/worker-directory.ts";

/**
 * @param workers Undefined: nothing is known of them.
 * @param before Tasks that are claimed first.
 */
export function explainWait(queue: string, workers: readonly WorkerEntry[] | undefined, before: number): string {
  const first = before === 0 ? "" : before === 1 ? ", and 1 task is before it" : `, and ${before} tasks are before it`;
  if (workers === undefined) return `It waits for a worker of the task queue "${queue}"${first}.`;
  const own = workers.filter((worker) => worker.queue === queue);
  const alive = own.filter(({ isAlive }) => isAlive);
  if (alive.length === 0) return explainNobody(queue, own);
  if (alive.some(({ status }) => status.state === "claiming")) {
    return before === 0 ? "A worker is about to claim it." : `Workers claim tasks${first}.`;
  }
  const full = alive.filter(({ status }) => status.state === "full");
  if (full.length === alive.length) return `${allOf(alive)} full${first}.`;
  const kept = alive.filter(({ status }) => status.state !== "full").map(describe);
  if (full.length === 0) return `No worker claims tasks: ${listed(kept)}.`;
  return `No worker claims tasks: ${full.length} of ${alive.length} ${full.length === 1 ? "is" : "are"} full, ${listed(kept)}${first}.`;
}

function explainNobody(queue: string, silent: readonly WorkerEntry[]): string {
  const [last] = silent.toSorted((a, b) => b.seenAt.getTime() - a.seenAt.getTime());
  const start = `start a worker whose configuration has queue.name: ${queue}`;
  if (last === undefined) return `No worker serves the task queue "${queue}"; ${start}.`;
  const when = `${last.seenAt.toISOString().slice(0, 19).replace("T", " ")} UTC`;
  return `No worker of the task queue "${queue}" is there any more: ${last.workerId} was heard of last at ${when}; ${start}.`;
}

function allOf(workers: readonly WorkerEntry[]): string {
  return workers.length === 1
    ? "The only worker of its task queue is"
    : `All ${workers.length} workers of its task queue are`;
}

/** Workers may be older or newer than this one, so nothing they say is certain. */
function describe({ workerId, status }: WorkerEntry): string {
  const { state } = status;
  const why = status["why"];
  const what = typeof state === "string" ? state : "silent about itself";
  return `${workerId} is ${what}${typeof why === "string" && why !== "" ? ` (${why.slice(0, 200)})` : ""}`;
}

const MAX_LISTED = 3;

function listed(texts: readonly string[]): string {
  const more = texts.length - MAX_LISTED;
  return more > 0 ? `${texts.slice(0, MAX_LISTED).join(", ")} and ${more} more` : texts.join(", ");
}
