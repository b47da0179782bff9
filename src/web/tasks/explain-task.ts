/** Why a task is as it is, in a sentence or two for people: what it waits for, what ended it, what to do. Pure. */
import type { ExceptionReason } from "../../base/errors.ts";
import { formatDuration } from "../../base/units.ts";
import { PRIORITIES, type Run, type TaskStatus } from "../../queue/task.ts";
import type { TaskDetails } from "../../queue/task-queue.ts";
import type { WorkerEntry } from "../../queue/worker-directory.ts";
import { explainWait } from "./explain-wait.ts";

export interface TaskSituation {
  readonly task: TaskDetails;
  /** Those that wait in its task queue, as far as they are known; itself may be among them. */
  readonly pending?: readonly TaskStatus[];
  /** Undefined: nothing is known of workers. */
  readonly workers?: readonly WorkerEntry[] | undefined;
  /** What its last run has reported, where that is known. */
  readonly report?: RunProgress | undefined;
}

export interface RunProgress {
  readonly phases: readonly { readonly name: string; readonly startedAt: string }[];
  readonly steps: readonly { readonly name: string; readonly exitCode?: number; readonly skipped?: boolean }[];
}

export function explainTask(situation: TaskSituation): string {
  const { task } = situation;
  const run = task.runs.at(-1);
  if (task.state === "unscheduled" || run === undefined) return explainDependencies(task);
  switch (task.state) {
    case "pending":
      return explainWait(task.queue, situation.workers, countBefore(task, situation.pending ?? []));
    case "running":
      return explainRunning(run, situation);
    case "completed":
      return `It completed${lasted(run)}.`;
    case "failed":
      return explainFailure(run, situation.report);
    case "exception":
      return explainException(run);
  }
}

const MAX_LISTED = 3;

function explainDependencies({ waitsFor }: TaskDetails): string {
  if (waitsFor.length === 0) return "It is about to be scheduled.";
  const listed = waitsFor.slice(0, MAX_LISTED).map(({ taskId, state }) => `${taskId} (${state})`);
  const more = waitsFor.length - listed.length;
  const names = more > 0 ? `${listed.join(", ")} and ${more} more` : listed.join(" and ");
  const hopeless = waitsFor.find(({ state }) => state === "failed" || state === "exception");
  const count = waitsFor.length === 1 ? "a task" : `${waitsFor.length} tasks`;
  if (hopeless === undefined) return `It waits for ${count} to complete: ${names}.`;
  return `It waits for ${count} to complete, and ${hopeless.taskId} has not: run that again, or cancel this one. It waits for ${names}.`;
}

/** How many are claimed first, if nobody cancels anything. */
export function countBefore(task: TaskStatus, pending: readonly TaskStatus[]): number {
  return pending.filter((other) => other.taskId !== task.taskId && isBefore(other, task)).length;
}

function isBefore(a: TaskStatus, b: TaskStatus): boolean {
  const urgency = PRIORITIES.indexOf(a.priority) - PRIORITIES.indexOf(b.priority);
  return urgency === 0 ? since(a) < since(b) : urgency < 0;
}

function since({ created, runs }: TaskStatus): number {
  return (runs.at(-1)?.scheduled ?? created).getTime();
}

function explainRunning({ runId, started, workerId }: Run, { task, workers, report }: TaskSituation): string {
  const phase = report?.phases.at(-1);
  const name = phase?.name ?? phaseOf(workers, task.taskId, runId);
  const where = workerId === undefined ? "" : ` on the worker ${workerId}`;
  const claimed = started === undefined ? "" : ` since ${timeOf(started)}`;
  const begun = phase === undefined ? "" : ` since ${timeOf(new Date(phase.startedAt))}`;
  return `It runs${where}${claimed}${name === undefined ? "" : `, in the phase "${name}"${begun}`}.`;
}

/** As its worker says, which may be a few seconds old. */
function phaseOf(workers: TaskSituation["workers"], taskId: string, runId: number): string | undefined {
  for (const { status } of workers ?? []) {
    const running: readonly unknown[] = Array.isArray(status.running) ? status.running : [];
    for (const each of running) {
      if (typeof each !== "object" || each === null) continue;
      const { taskId: id, runId: number, phase } = each as Readonly<Record<string, unknown>>;
      if (id === taskId && number === runId && typeof phase === "string") return phase;
    }
  }
  return undefined;
}

function explainFailure(run: Run, report: RunProgress | undefined): string {
  const { exitCode, message, reason } = run;
  const byItself = reason === undefined || reason === "command-failed";
  if (exitCode !== undefined && byItself) {
    const step = report?.steps.find((each) => each.exitCode !== undefined && each.exitCode !== 0);
    const what = step === undefined ? "Its command" : `Its step "${step.name}"`;
    return `${what} ended with exit code ${step?.exitCode ?? exitCode}${lasted(run)}.`;
  }
  const why = firstLine(message) ?? reason;
  return why === undefined ? `It failed${lasted(run)}.` : `It failed${lasted(run)}: ${ended(why)}`;
}

/** What happened, and what to do. */
const EXCEPTIONS: Readonly<Record<ExceptionReason, readonly [string, string]>> = {
  "malformed-payload": ["What it asks for cannot be run", "Correct it, and submit it anew."],
  "resource-unavailable": ["Something it needs could not be had", "Run it again when that is there."],
  "internal-error": ["Its worker failed at it", "Look into the worker's log, and run it again."],
  canceled: ["It was canceled", "Run it again if it is wanted after all."],
  "deadline-exceeded": ["Its deadline came before its end", "Submit it anew, with a later deadline if need be."],
  "worker-shutdown": ["Its worker was stopped, and it had no retries left", "Run it again."],
  "intermittent-task": ["It asked to be run again, and had no retries left", "Run it again, or give it more retries."],
  "claim-expired": ["Its worker was not heard of any more, and it had no retries left", "Run it again."],
  superseded: ["A newer task took its place", "Nothing has to be done."],
};

function explainException({ reason, message }: Run): string {
  const [what, then] = EXCEPTIONS[reason as ExceptionReason] ?? [`It ended with "${reason ?? "exception"}"`, ""];
  const why = firstLine(message);
  // Of what has a heading the next line says more.
  const said = why === undefined || why === reason ? "" : `: ${why}`;
  return `${ended(what + said)} ${then}`.trim();
}

function lasted({ started, resolved }: Run): string {
  if (started === undefined || resolved === undefined) return "";
  return ` after ${formatDuration(Math.max(0, resolved.getTime() - started.getTime()))}`;
}

const MAX_MESSAGE = 300;

function firstLine(message: string | undefined): string | undefined {
  const lines = (message ?? "")
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  const [first, second] = lines;
  if (first === undefined) return undefined;
  const whole = first.endsWith(":") && second !== undefined ? `${first} ${second}` : first;
  return whole.length > MAX_MESSAGE ? `${whole.slice(0, MAX_MESSAGE)}…` : whole;
}

function ended(sentence: string): string {
  return /[.!?…]$/.test(sentence) ? sentence : `${sentence}.`;
}

function timeOf(date: Date): string {
  return `${date.toISOString().slice(0, 19).replace("T", " ")} UTC`;
}
