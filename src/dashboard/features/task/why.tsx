/** One sentence: why it waits, or how it ended. */
import type { ApiTaskDetails } from "../../../generated/api.ts";
import { shortId } from "../../core/format.ts";
import { taskPath } from "../../core/routes.ts";
import { whyOf } from "../../core/tasks.ts";
import { StateBadge } from "../../ui/state-badge.tsx";

export function Why({ task }: { task: ApiTaskDetails }) {
  const why = task.why ?? whyOf(task);
  return (
    <div class="why">
      <p>
        <StateBadge state={task.state} /> {why === undefined ? undefined : <span class="why-text">{why}</span>}
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
