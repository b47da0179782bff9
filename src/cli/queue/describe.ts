/** Tasks and artifacts as people read them. Pure. */
import { formatBytes } from "../../base/units.ts";
import type { Run, TaskStatus } from "../../queue/task.ts";
import type { ArtifactEntry, TaskDetails } from "../../queue/task-queue.ts";
import { minute, table } from "../table.ts";

export function taskTable(tasks: readonly TaskStatus[]): string {
  if (tasks.length === 0) return 'There are no such tasks; "boxcar queue submit" makes one.';
  const rows = tasks.map((task) => {
    const { taskId, name = "-", queue, priority, runs, created } = task;
    return [taskId, describeState(task), name, queue, priority, String(runs.length), minute(created)];
  });
  return table([["TASK", "STATE", "NAME", "QUEUE", "PRIORITY", "RUNS", "SUBMITTED"], ...rows]);
}

export function describeState({ state, runs }: Pick<TaskStatus, "state" | "runs">): string {
  const { reason, exitCode } = runs.at(-1) ?? {};
  if (state === "failed" && exitCode !== undefined) return `failed: exit code ${exitCode}`;
  return (state === "failed" || state === "exception") && reason !== undefined ? `${state}: ${reason}` : state;
}

export function describeTask(task: TaskDetails): string {
  const { taskId, name = "-", queue, priority, retriesLeft, created, submitter } = task;
  const { deadline, expires, dependencies } = task;
  const facts = table([
    ["task", taskId],
    ["name", name],
    ["state", describeState(task)],
    ["task queue", `${queue}, priority ${priority}`],
    ["submitted", created.toISOString()],
    ...(submitter === undefined ? [] : [["submitted by", submitter]]),
    ["deadline", deadline.toISOString()],
    ["expires", expires.toISOString()],
    ["retries left", String(retriesLeft)],
    ...dependencies.map((id, index) => [index === 0 ? "depends on" : "", id]),
    ["payload", JSON.stringify(task.definition.payload)],
  ]);
  return [facts, ...describeWaiting(task), ...(task.runs.length === 0 ? [] : [runTable(task.runs)])].join("\n\n");
}

function describeWaiting({ waitsFor, definition, deadline }: TaskDetails): string[] {
  if (waitsFor.length === 0) return [];
  const failed = waitsFor.filter(({ state }) => state === "failed" || state === "exception");
  const lines = waitsFor.map(({ taskId, state }) => `  ${taskId}  ${state}`);
  if (failed.length > 0 && definition.requires !== "all-resolved") {
    const until = `It ends at its deadline, ${minute(deadline)}`;
    lines.push(`${until}, unless "boxcar queue rerun" of what did not complete makes that good.`);
  }
  return [["It waits for:", ...lines].join("\n")];
}

function runTable(runs: readonly Run[]): string {
  const rows = runs.map((run) => {
    const { runId, workerId = "-", started, resolved, message = "", reasonCreated } = run;
    const times = [started, resolved].map((time) => (time === undefined ? "-" : time.toISOString().slice(0, 19)));
    const [line = ""] = message.split("\n");
    return [String(runId), reasonCreated, describeState({ state: run.state, runs: [run] }), workerId, ...times, line];
  });
  return table([["RUN", "WHY", "STATE", "WORKER", "STARTED", "ENDED", ""], ...rows]);
}

export function artifactTable(artifacts: readonly ArtifactEntry[]): string {
  if (artifacts.length === 0) return "There are no artifacts of that run.";
  const rows = artifacts.map((artifact) => [
    artifact.name,
    artifact.sizeBytes === undefined ? "-" : formatBytes(artifact.sizeBytes),
    artifact.contentType,
    whereIs(artifact),
  ]);
  return table([["NAME", "SIZE", "TYPE", "WHERE"], ...rows]);
}

function whereIs({ file, error, link, workerId }: ArtifactEntry): string {
  if (error !== undefined) return `${error.reason}: ${error.message}`;
  if (link !== undefined) return "artifact" in link ? `→ ${link.artifact}` : `→ ${link.url}`;
  return file ?? `at ${workerId ?? "another host"}`;
}
