/** One task: what it is at, what it says, what one can do about it. */
import type { ComponentType } from "preact";
import { useCallback } from "preact/hooks";
import type { ApiRun, ApiRunReport, ApiTaskDetails } from "../../generated/api.ts";
import type { ServerEvent } from "../api-types.ts";
import { apiPath } from "../core/api.ts";
import { useResource } from "../core/resource.ts";
import { type TaskTab, taskPath } from "../core/routes.ts";
import { titleOf } from "../core/tasks.ts";
import { TaskLog } from "../features/log/task-log.tsx";
import type { RunSlotProps } from "../features/slot.ts";
import { Definition } from "../features/task/definition.tsx";
import { KeptNotice } from "../features/task/kept-notice.tsx";
import { RunFacts } from "../features/task/run-facts.tsx";
import { SavedNotice } from "../features/task/saved-notice.tsx";
import { TaskActions } from "../features/task/task-actions.tsx";
import { Why } from "../features/task/why.tsx";
import type { IconName } from "../ui/icon.tsx";
import { lazy } from "../ui/lazy.tsx";
import { Empty, ErrorNotice, Loading } from "../ui/notices.tsx";
import { Page } from "../ui/page.tsx";
import { StateBadge } from "../ui/state-badge.tsx";
import { Tabs } from "../ui/tabs.tsx";

interface TaskPageProps {
  task: string;
  run: number | "latest";
  tab: TaskTab;
}

const TABS: Readonly<Record<TaskTab, { label: string; icon: IconName; Content: ComponentType<RunSlotProps> }>> = {
  log: { label: "Log", icon: "list", Content: TaskLog },
  display: {
    label: "Display",
    icon: "screen",
    Content: lazy(async () => (await import("../features/display/display.tsx")).Display),
  },
  terminal: {
    label: "Terminal",
    icon: "terminal",
    Content: lazy(async () => (await import("../features/terminal/terminal.tsx")).Terminal),
  },
  artifacts: {
    label: "Artifacts",
    icon: "archive",
    Content: lazy(async () => (await import("../features/artifacts/artifacts.tsx")).Artifacts),
  },
  screenshots: {
    label: "Screenshots",
    icon: "camera",
    Content: lazy(async () => (await import("../features/screenshots/screenshots.tsx")).Screenshots),
  },
  network: {
    label: "Network",
    icon: "network",
    Content: lazy(async () => (await import("../features/network/network.tsx")).Network),
  },
  definition: { label: "Definition", icon: "copy", Content: Definition },
};

const RUN_MS = 2_000;

export function TaskPage({ task: id, run, tab }: TaskPageProps) {
  const isOurs = useCallback(
    (event: ServerEvent) => (event.name === "task" || event.name === "phase") && event.data.taskId === id,
    [id],
  );
  const { data: task, error, refresh } = useResource<ApiTaskDetails>(apiPath`/tasks/${id}`, { on: isOurs });
  const current = task === undefined ? undefined : findRun(task, run);
  const isRunning = current?.state === "running";
  const report = useResource<ApiRunReport>(
    task === undefined || current === undefined ? undefined : apiPath`/tasks/${task.taskId}/runs/${current.runId}`,
    { on: isOurs, ...(isRunning ? { everyMs: RUN_MS } : {}) },
  ).data;
  if (task === undefined) {
    return (
      <Page title="Task" before={<Trail />}>
        {error === undefined ? <Loading lines={6} /> : <ErrorNotice error={error} onRetry={refresh} />}
      </Page>
    );
  }
  return (
    <Page title={titleOf(task)} isWide before={<Trail />} actions={<TaskActions task={task} />}>
      <Why task={task} />
      {report === undefined ? undefined : <KeptNotice task={task} report={report} />}
      {report === undefined ? undefined : <SavedNotice task={task} report={report} />}
      <div class="task">
        <div class="task-main">
          {task.runs.length > 1 && current !== undefined ? <Runs task={task} current={current} tab={tab} /> : undefined}
          <Tabs
            label="Parts of the run"
            tabs={(Object.keys(TABS) as TaskTab[]).map((name) => ({
              href: taskPath(id, { run, tab: name }),
              label: TABS[name].label,
              icon: TABS[name].icon,
              isCurrent: name === tab,
            }))}
          />
          <Content task={task} current={current} report={report} tab={tab} />
        </div>
        <RunFacts task={task} run={current} report={report} />
      </div>
    </Page>
  );
}

interface ContentProps {
  task: ApiTaskDetails;
  current: ApiRun | undefined;
  report: ApiRunReport | undefined;
  tab: TaskTab;
}

function Content({ task, current, report, tab }: ContentProps) {
  const { Content: Part } = TABS[tab];
  if (tab === "definition") return <Definition task={task} />;
  // Nothing of it is anywhere; what asked for it would be refused again and again.
  if (current === undefined || current.state === "pending") return <Empty icon="clock" title="It has not run yet." />;
  return <Part key={`${tab}${current.runId}`} task={task} run={current.runId} report={report} />;
}

function Trail() {
  return (
    <nav class="trail small" aria-label="Above this page">
      <a href="/tasks">Tasks</a>
    </nav>
  );
}

function Runs({ task, current, tab }: { task: ApiTaskDetails; current: ApiRun; tab: TaskTab }) {
  return (
    <nav class="runs" aria-label="Runs">
      {task.runs.map(({ runId, state }) => (
        <a
          key={runId}
          class="chip"
          href={taskPath(task.taskId, { run: runId, tab })}
          aria-current={runId === current.runId ? "page" : undefined}
        >
          Run {runId} <StateBadge state={state} />
        </a>
      ))}
    </nav>
  );
}

function findRun({ runs }: ApiTaskDetails, run: number | "latest"): ApiRun | undefined {
  return run === "latest" ? runs.at(-1) : runs.find(({ runId }) => runId === run);
}
