import { taskPath } from "../../core/routes.ts";
import { Empty } from "../../ui/notices.tsx";
import type { RunSlotProps } from "../slot.ts";

interface NoMachineProps extends RunSlotProps {
  what: "screen" | "shell";
}

/** Why there is nothing to see, and where else to look. */
export function NoMachine({ task, run, report, what }: NoMachineProps) {
  const isOver = report !== undefined && report.state !== "pending" && report.state !== "running";
  const icon = what === "screen" ? "screen" : "terminal";
  if (!isOver) return <Empty icon={icon} title={`There is a ${what} as soon as the machine has started.`} />;
  return (
    <Empty icon={icon} title="The machine of this run is gone.">
      {what === "screen" ? (
        <a href={taskPath(task.taskId, { run, tab: "screenshots" })}>What its screen has shown</a>
      ) : (
        <a href={taskPath(task.taskId, { run, tab: "log" })}>What it has printed</a>
      )}
    </Empty>
  );
}
