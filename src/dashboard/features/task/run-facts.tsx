/** Beside the log: how long each phase took, and on what the run ran. */

import type { ApiRun, ApiRunReport, ApiTaskDetails } from "../../../generated/api.ts";
import { Fact } from "../../ui/fact.tsx";
import { Elapsed, RelativeTime } from "../../ui/time.tsx";
import { Timeline } from "../timeline/timeline.tsx";
import { CheckpointList } from "./checkpoint-list.tsx";

interface RunFactsProps {
  task: ApiTaskDetails;
  run: ApiRun | undefined;
  report: ApiRunReport | undefined;
}

export function RunFacts({ task, run, report }: RunFactsProps) {
  return (
    <aside class="run-facts" aria-label="Facts of the run">
      {report === undefined ? undefined : (
        <section class="section">
          <h2>Phases</h2>
          <Timeline report={report} />
        </section>
      )}
      {report === undefined ? undefined : <CheckpointList report={report} />}
      <section class="section">
        <h2>Facts</h2>
        <dl class="facts">
          {run?.started === undefined ? undefined : (
            <Fact label={run.resolved === undefined ? "Runs for" : "Took"}>
              <Elapsed since={run.started} until={run.resolved} />
            </Fact>
          )}
          {run?.workerId === undefined ? undefined : <Fact label="Worker">{run.workerId}</Fact>}
          {report?.machine === undefined ? undefined : <Fact label="Machine">{report.machine}</Fact>}
          {report?.accelerator === undefined ? undefined : (
            <Fact label="CPU">
              {report.accelerator}
              {report.start === undefined ? "" : `, ${report.start}`}
            </Fact>
          )}
          {report?.image === undefined ? undefined : (
            <Fact label="Image">
              <code title={report.image.digest}>{report.image.digest.slice(0, 19)}</code>
            </Fact>
          )}
          <Fact label="Queue">
            <a href={`/tasks?queue=${encodeURIComponent(task.queue)}`}>{task.queue}</a>
          </Fact>
          <Fact label="Priority">{task.priority}</Fact>
          {task.submitter === undefined ? undefined : <Fact label="Submitted by">{task.submitter}</Fact>}
          <Fact label="Submitted">
            <RelativeTime at={task.created} />
          </Fact>
          <Fact label="Deadline">
            <RelativeTime at={task.deadline} />
          </Fact>
          <Fact label="Expires">
            <RelativeTime at={task.expires} />
          </Fact>
          {task.retriesLeft > 0 ? <Fact label="Retries left">{task.retriesLeft}</Fact> : undefined}
          <Fact label="Id">
            <code>{task.taskId}</code>
          </Fact>
        </dl>
      </section>
    </aside>
  );
}
