/** The logs of a run: the task's, and when it is over the kernel's. */
import { useSignal } from "@preact/signals";
import { apiPath } from "../../core/api.ts";
import { shortId } from "../../core/format.ts";
import type { RunSlotProps } from "../slot.ts";
import { LogViewer } from "./log-viewer.tsx";

const LOGS = [
  { name: "task.log", label: "Task" },
  { name: "console.log", label: "Console of the machine" },
] as const;

export function TaskLog({ task, run, report }: RunSlotProps) {
  const name = useSignal<string>("task.log");
  const state = report?.state ?? task.runs.find(({ runId }) => runId === run)?.state;
  const isOver = state !== "running" && state !== "pending" && state !== undefined;
  return (
    <div class="task-log">
      {isOver ? (
        <fieldset class="chips">
          <legend class="visually-hidden">Which log</legend>
          {LOGS.map((log) => (
            <button
              key={log.name}
              type="button"
              class="chip"
              aria-pressed={name.value === log.name}
              onClick={() => {
                name.value = log.name;
              }}
            >
              {log.label}
            </button>
          ))}
        </fieldset>
      ) : undefined}
      <LogViewer
        key={`${run} ${name.value}`}
        path={apiPath`/tasks/${task.taskId}/runs/${run}/logs/${name.value}`}
        fileName={`${task.name ?? shortId(task.taskId)}-run-${run}-${name.value}`}
        isLive={!isOver}
      />
    </div>
  );
}
