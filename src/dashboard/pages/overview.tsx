/** Everything at a glance: what waits, what runs, who has room, what fails. */
import type { ComponentChildren } from "preact";
import type { ApiMachines, ApiQueue, ApiTasks, ApiWorkers } from "../../generated/api.ts";
import type { ServerEvent } from "../api-types.ts";
import { plural } from "../core/format.ts";
import { useResource } from "../core/resource.ts";
import { may } from "../core/session.ts";
import { Failures } from "../features/overview-failures.tsx";
import { RunningCards } from "../features/overview-running.tsx";
import { Meter, WorkerBars } from "../features/overview-workers.tsx";
import { Command, Empty, ErrorNotice, Loading } from "../ui/notices.tsx";
import { Page } from "../ui/page.tsx";
import { RelativeTime } from "../ui/time.tsx";

const onTask = { on: ({ name }: ServerEvent) => name === "task" };
const onRun = { on: ({ name }: ServerEvent) => name === "task" || name === "phase" };
/** A worker says how full it is every few seconds, and that is no event. */
const onWorker = { on: ({ name }: ServerEvent) => name === "worker" || name === "task", everyMs: 5_000 };

export function OverviewPage() {
  const queue = useResource<ApiQueue>("/queue", onTask);
  const running = useResource<ApiTasks>("/tasks?state=running&limit=60", onTask);
  const machines = useResource<ApiMachines>("/machines", onRun);
  const workers = useResource<ApiWorkers>("/workers", onWorker);
  const failed = useResource<ApiTasks>("/tasks?state=failed,exception&limit=30", onTask);
  const error = [queue, running, machines, workers, failed].find((one) => one.error !== undefined)?.error;
  return (
    <Page title="Overview" isWide>
      {error === undefined ? undefined : <ErrorNotice error={error} onRetry={queue.refresh} />}
      <Summary queue={queue.data} workers={workers.data} />
      <div class="overview">
        <div class="overview-main">
          <section class="section">
            <header>
              <h2>Running</h2>
              <a class="small" href="/tasks?state=running">
                All running tasks
              </a>
            </header>
            {running.data === undefined ? (
              <Loading />
            ) : running.data.length === 0 && (machines.data?.length ?? 0) === 0 ? (
              <NothingRuns queue={queue.data} />
            ) : (
              <RunningCards tasks={running.data} machines={machines.data ?? []} />
            )}
          </section>
          <section class="section">
            <header>
              <h2>Workers</h2>
              <a class="small" href="/workers">
                All workers
              </a>
            </header>
            {workers.data === undefined ? (
              <Loading />
            ) : workers.data.length === 0 ? (
              <Empty icon="server" title="No worker is there.">
                <p>One that claims tasks is started by</p>
                <Command text="boxcar worker" />
              </Empty>
            ) : (
              <WorkerBars workers={workers.data} />
            )}
          </section>
        </div>
        <div class="overview-side">
          <section class="section">
            <header>
              <h2>What is failing</h2>
              <a class="small" href="/tasks?state=failed,exception">
                All failures
              </a>
            </header>
            {failed.data === undefined ? (
              <Loading />
            ) : failed.data.length === 0 ? (
              <Empty icon="check" title="Nothing has failed lately." />
            ) : (
              <Failures tasks={failed.data} />
            )}
          </section>
        </div>
      </div>
    </Page>
  );
}

function Summary({ queue, workers }: { queue: ApiQueue | undefined; workers: ApiWorkers | undefined }) {
  const sum = (key: "pending" | "running" | "unscheduled") =>
    queue?.queues.reduce((total, one) => total + one[key], 0) ?? 0;
  const capacity = workers?.reduce((total, { status }) => total + status.capacity, 0) ?? 0;
  const used = workers?.reduce((total, { status }) => total + status.running.length, 0) ?? 0;
  return (
    <section class="section" aria-label="Queue">
      <dl class="card summary">
        <Figure label="Pending" value={sum("pending")} href="/tasks?state=pending">
          {queue?.oldestPending === undefined ? (
            "nothing waits"
          ) : (
            <>
              oldest <RelativeTime at={queue.oldestPending} />
            </>
          )}
        </Figure>
        <Figure label="Running" value={sum("running")} href="/tasks?state=running">
          {plural(queue?.queues.length ?? 0, "queue")}
        </Figure>
        <Figure label="Unscheduled" value={sum("unscheduled")} href="/tasks?state=unscheduled">
          wait for other tasks
        </Figure>
        <Figure label="Machines" value={used} of={capacity} href="/workers">
          <Meter used={used} of={capacity} label="Machines of all workers" />
        </Figure>
      </dl>
      {queue !== undefined && queue.queues.length > 1 ? <Queues queues={queue.queues} /> : undefined}
    </section>
  );
}

interface FigureProps {
  label: string;
  value: number;
  of?: number;
  href: string;
  children: ComponentChildren;
}

function Figure({ label, value, of, href, children }: FigureProps) {
  return (
    <div class="figure">
      <dt>
        <a class="figure-label" href={href}>
          {label}
        </a>
      </dt>
      <dd class="figure-value number">
        {value.toLocaleString("en")}
        {of === undefined ? undefined : <span class="figure-of"> / {of}</span>}
      </dd>
      <dd class="small quiet-text">{children}</dd>
    </div>
  );
}

function Queues({ queues }: { queues: ApiQueue["queues"] }) {
  return (
    <div class="card queues">
      <table>
        <thead>
          <tr>
            <th scope="col">Queue</th>
            <th scope="col">Pending</th>
            <th scope="col">Running</th>
            <th scope="col">Unscheduled</th>
          </tr>
        </thead>
        <tbody>
          {queues.map(({ name, pending, running, unscheduled }) => (
            <tr key={name}>
              <th scope="row">
                <a href={`/tasks?queue=${encodeURIComponent(name)}`}>{name}</a>
              </th>
              <td>{pending.toLocaleString("en")}</td>
              <td>{running.toLocaleString("en")}</td>
              <td>{unscheduled.toLocaleString("en")}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function NothingRuns({ queue }: { queue: ApiQueue | undefined }) {
  const waits = queue?.queues.some(({ pending }) => pending > 0) === true;
  if (waits) return <Empty icon="clock" title="Nothing runs; what waits is claimed as soon as a worker has room." />;
  return (
    <Empty icon="play" title="Nothing runs, and nothing waits.">
      <p>A task is submitted from a file, or a command as it is:</p>
      <Command text="boxcar queue submit -- uname -a" />
      {may("submit") ? <a href="/submit">Or write one here</a> : undefined}
    </Empty>
  );
}
