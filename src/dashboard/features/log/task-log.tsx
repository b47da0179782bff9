/** The logs of a run: the task's, and when it is over the kernel's. */
import { useSignal } from "@preact/signals";
import { apiPath } from "../../core/api.ts";
import { shortId } from "../../core/format.ts";
import { setHash } from "../../core/router.ts";
import type { RunSlotProps } from "../slot.ts";
import { LogViewer } from "./log-viewer.tsx";

const LOGS = [
  { name: "task.log", label: "Task" },
  { name: "console.log", label: "Console" },
] as const;

export function TaskLog({ task, run, report }: RunSlotProps) {
  const name = useSignal<string>("task.log");
  const state = report?.state ?? task.runs.find(({ runId }) => runId === run)?.state;
  const isOver = state !== "running" && state !== "pending" && state !== undefined;
  const choice = isOver ? (
    <select
      class="input"
      aria-label="Which log"
      value={name.value}
      onChange={({ currentTarget }) => {
        // The selected lines are of the other log.
        setHash("");
        name.value = currentTarget.value;
      }}
    >
      {LOGS.map((log) => (
        <option key={log.name} value={log.name}>
          {log.label}
        </option>
      ))}
    </select>
  ) : undefined;
  return (
    <LogViewer
      key={`${run} ${name.value}`}
      path={apiPath`/tasks/${task.taskId}/runs/${run}/logs/${name.value}`}
      fileName={`${task.name ?? shortId(task.taskId)}-run-${run}-${name.value}`}
      isLive={!isOver}
      choice={choice}
    />
  );
}
