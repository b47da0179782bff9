/** What the task has kept of its machine, for other tasks to start from. */
import type { ApiRunReport } from "../../../generated/api.ts";
import { formatBytes } from "../../core/format.ts";
import { Command } from "../../ui/notices.tsx";
import { Remaining } from "../../ui/time.tsx";

export function CheckpointList({ report: { checkpoints = [], taskId, workerId } }: { report: ApiRunReport }) {
  if (checkpoints.length === 0) return null;
  return (
    <section class="section">
      <h2>Checkpoints</h2>
      <ul class="checkpoints">
        {checkpoints.map(({ name, bytes, expires }) => (
          <li key={name}>
            <p class="checkpoint-line">
              <strong>{name}</strong>
              <span class="quiet-text">
                {formatBytes(bytes)}, for <Remaining until={expires} /> more
              </span>
            </p>
            <Command text={`"from": {"task": "${taskId}", "checkpoint": "${name}"}`} />
          </li>
        ))}
      </ul>
      <p class="quiet-text small">
        A task with that in its payload, instead of an image, goes on from there
        {workerId === undefined ? "" : `, on the host of ${workerId}`}.
      </p>
    </section>
  );
}
