/** One sentence: why it waits, or how it ended. */
import type { ApiTaskDetails } from "../../../generated/api.ts";
import { shortId } from "../../core/format.ts";
import { taskPath } from "../../core/routes.ts";
import { lastRun, whyOf } from "../../core/tasks.ts";
import { StateBadge } from "../../ui/state-badge.tsx";
import { Elapsed } from "../../ui/time.tsx";

export function Why({ task }: { task: ApiTaskDetails }) {
  const why = task.state === "running" ? undefined : (task.why ?? whyOf(task));
  return (
    <div class="why">
      <p>
        <StateBadge state={task.state} />
        {task.state === "running" ? <Running task={task} /> : undefined}
        {why === undefined ? undefined : <span class="why-text">{why}</span>}
      </p>
      {task.waitsFor.length === 0 ? undefined : (
        <ul class="chips" aria-label="It waits for">
          {task.waitsFor.map(({ taskId, state }) => (
            <li key={taskId}>
              <a href={taskPath(taskId)} class="small">
                <code>{shortId(taskId)}</code>
              </a>{" "}
              <StateBadge state={state} />
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

/** The phases beside it say more. */
function Running({ task }: { task: ApiTaskDetails }) {
  const run = lastRun(task);
  if (run?.started === undefined) return null;
  return (
    <span class="why-text">
      It has run for <Elapsed since={run.started} /> on {run.workerId}.
    </span>
  );
}
