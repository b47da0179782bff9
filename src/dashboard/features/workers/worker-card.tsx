import type { ApiRunningTask, ApiWorker } from "../../../generated/api.ts";
import { formatBytes, plural, shortId, titleCase } from "../../core/format.ts";
import { taskPath } from "../../core/routes.ts";
import { Fact } from "../../ui/fact.tsx";
import { Icon } from "../../ui/icon.tsx";
import { StateBadge } from "../../ui/state-badge.tsx";
import { Elapsed, RelativeTime, Remaining } from "../../ui/time.tsx";
import { Meter } from "../overview-workers.tsx";
import { WorkerActions } from "./worker-actions.tsx";

/** A worker: how it is, what it runs, how what it ran has ended. */
export function WorkerCard({ worker, isAlone }: { worker: ApiWorker; isAlone: boolean }) {
  const { workerId, self, queue, version, seenAt, url, status } = worker;
  return (
    <article class="card worker" aria-label={workerId}>
      <header>
        <div class="worker-title">
          <h2>{isAlone ? workerId : <a href={`/workers/${encodeURIComponent(workerId)}`}>{workerId}</a>}</h2>
          <StateBadge state={status.state} />
          {self ? <span class="quiet-text small">answers this page</span> : undefined}
        </div>
        <WorkerActions worker={worker} />
      </header>
      {status.why === undefined ? undefined : <p class="worker-why">{titleCase(status.why)}.</p>}
      <div class="worker-load">
        <Meter used={status.running.length} of={status.capacity} label="Machines" />
        <span class="number small">
          {status.running.length} of {plural(status.capacity, "machine")}
        </span>
        {status.pooled === undefined || status.pooled === 0 ? undefined : (
          <span class="quiet-text small">{plural(status.pooled, "machine")} waiting for a task</span>
        )}
      </div>
      {status.running.length === 0 ? undefined : (
        <ul class="worker-runs">
          {status.running.map((task) => (
            <RunningTask key={`${task.taskId} ${task.runId}`} task={task} />
          ))}
        </ul>
      )}
      <dl class="worker-facts">
        <Fact label="Queue">{queue}</Fact>
        <Fact label="Where">{status.queue}</Fact>
        {status.network === undefined ? undefined : <Fact label="Network">{status.network}</Fact>}
        <Fact label="Up for">
          <Elapsed since={status.startedAt} />
        </Fact>
        <Fact label="Heard of">
          <RelativeTime at={seenAt} />
        </Fact>
        {version === undefined ? undefined : <Fact label="Version">{version}</Fact>}
        {url === undefined || !isAlone ? undefined : <Fact label="Address">{url}</Fact>}
        <Fact label="Finished">
          {status.finished.total === 0 ? "nothing yet" : <Ends finished={status.finished} />}
        </Fact>
      </dl>
    </article>
  );
}

function RunningTask({ task }: { task: ApiRunningTask }) {
  const { taskId, runId, name, phase, since, machine, memoryMiB, keptUntil } = task;
  return (
    <li>
      <Icon name="play" />
      <a href={taskPath(taskId, { run: runId })}>{name ?? shortId(taskId)}</a>
      <span class="quiet-text small">
        {keptUntil === undefined ? (
          <>
            {phase}, <Elapsed since={since} />
          </>
        ) : (
          <>
            kept for <Remaining until={keptUntil} />
          </>
        )}
      </span>
      <span class="quiet-text small worker-machine">
        {machine ?? (memoryMiB === undefined ? "" : formatBytes(memoryMiB * 2 ** 20))}
      </span>
    </li>
  );
}

function Ends({ finished }: { finished: ApiWorker["status"]["finished"] }) {
  const ends = Object.entries(finished.byEnd).sort(([, a], [, b]) => b - a);
  return (
    <>
      {plural(finished.total, "run")}
      {ends.length === 0 ? "" : `: ${ends.map(([end, count]) => `${count} ${end}`).join(", ")}`}
    </>
  );
}
