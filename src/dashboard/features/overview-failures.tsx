import type { ApiTask } from "../../generated/api.ts";
import { taskPath } from "../core/routes.ts";
import { type FailureGroup, groupFailures, lastRun, whyOf } from "../core/tasks.ts";
import { StateBadge } from "../ui/state-badge.tsx";
import { RelativeTime } from "../ui/time.tsx";

const MOST = 8;

/** What has failed lately; the same again and again is one line. */
export function Failures({ tasks }: { tasks: readonly ApiTask[] }) {
  return <ul class="card failures">{groupFailures(tasks).slice(0, MOST).map(row)}</ul>;
}

function row({ name, tasks }: FailureGroup) {
  const [latest] = tasks;
  if (latest === undefined) return undefined;
  const at = lastRun(latest)?.resolved ?? latest.created;
  return (
    <li key={latest.taskId}>
      <div class="failure-head">
        <a href={taskPath(latest.taskId)}>{name}</a>
        <StateBadge state={latest.state} />
      </div>
      <p class="small failure-why">{whyOf(latest) ?? "It did not say why."}</p>
      <p class="small quiet-text">
        <RelativeTime at={at} />
        {tasks.length > 1 ? <strong class="failure-count"> · {tasks.length} times lately</strong> : undefined}
      </p>
    </li>
  );
}
