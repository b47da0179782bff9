import type { TaskState, VmState, WorkerState } from "../api-types.ts";
import { Icon, type IconName } from "./icon.tsx";

/** A state is a colour, an icon and a word. */
const LOOKS: Readonly<Record<TaskState | VmState | WorkerState, { tone: string; icon: IconName }>> = {
  unscheduled: { tone: "idle", icon: "link" },
  pending: { tone: "waiting", icon: "clock" },
  running: { tone: "active", icon: "play" },
  completed: { tone: "good", icon: "check" },
  failed: { tone: "bad", icon: "cross" },
  exception: { tone: "odd", icon: "warning" },
  claiming: { tone: "good", icon: "check" },
  full: { tone: "active", icon: "play" },
  paused: { tone: "waiting", icon: "pause" },
  waiting: { tone: "waiting", icon: "clock" },
  draining: { tone: "waiting", icon: "arrowDown" },
  stopping: { tone: "odd", icon: "stop" },
  stopped: { tone: "idle", icon: "stop" },
  creating: { tone: "waiting", icon: "clock" },
  created: { tone: "idle", icon: "stop" },
  error: { tone: "bad", icon: "warning" },
};

export function StateBadge({ state }: { state: TaskState | VmState | WorkerState }) {
  const { tone, icon } = LOOKS[state] ?? { tone: "idle", icon: "dots" };
  return (
    <span class={`badge ${tone}`}>
      <Icon name={icon} />
      {state}
    </span>
  );
}
