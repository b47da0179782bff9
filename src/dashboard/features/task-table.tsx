import type { ApiTask } from "../../generated/api.ts";
import { shortId } from "../core/format.ts";
import { taskPath } from "../core/routes.ts";
import { spanOf, whyOf } from "../core/tasks.ts";
import { StateBadge } from "../ui/state-badge.tsx";
import { Elapsed, RelativeTime } from "../ui/time.tsx";

export function TaskTable({ tasks }: { tasks: readonly ApiTask[] }) {
  return (
    <div class="card task-table">
      <table>
        <thead>
          <tr>
            <th scope="col">State</th>
            <th scope="col">Task</th>
            <th scope="col">Queue</th>
            <th scope="col">By</th>
            <th scope="col">Submitted</th>
            <th scope="col" class="right">
              Took
            </th>
          </tr>
        </thead>
        <tbody>
          {tasks.map((task) => (
            <Row key={task.taskId} task={task} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({ task }: { task: ApiTask }) {
  const why = whyOf(task);
  const span = spanOf(task);
  return (
    <tr>
      <td class="cell-state">
        <StateBadge state={task.state} />
      </td>
      <th scope="row" class="cell-task">
        <a href={taskPath(task.taskId)} data-row="">
          {task.name ?? task.taskId}
        </a>
        <span class="small quiet-text cell-more">
          {task.name === undefined ? undefined : <code title={task.taskId}>{shortId(task.taskId)}</code>}
          {task.runs.length > 1 ? <span>{task.runs.length} runs</span> : undefined}
          {why === undefined ? undefined : <span class="cell-why">{why}</span>}
        </span>
      </th>
      <td class="cell-queue">{task.queue}</td>
      <td class="cell-by">{task.submitter ?? ""}</td>
      <td class="cell-time">
        <RelativeTime at={task.created} />
      </td>
      <td class="cell-took right number">{span === undefined ? "" : <Elapsed {...span} />}</td>
    </tr>
  );
}
