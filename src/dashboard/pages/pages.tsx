/** Each page is a file of its own that is loaded when somebody goes there. */
import type { ComponentType } from "preact";
import type { Route } from "../core/routes.ts";
import { lazy } from "../ui/lazy.tsx";
import { Empty } from "../ui/notices.tsx";
import { Page } from "../ui/page.tsx";

type Simple = Exclude<Route["page"], "task" | "machine" | "worker" | "image" | "none">;

const SIMPLE: Readonly<Record<Simple, ComponentType>> = {
  overview: lazy(async () => (await import("./overview.tsx")).OverviewPage),
  tasks: lazy(async () => (await import("./tasks.tsx")).TasksPage),
  machines: lazy(async () => (await import("./machines.tsx")).MachinesPage),
  workers: lazy(async () => (await import("./workers.tsx")).WorkersPage),
  images: lazy(async () => (await import("./images.tsx")).ImagesPage),
  submit: lazy(async () => (await import("./submit.tsx")).SubmitPage),
  audit: lazy(async () => (await import("./audit.tsx")).AuditPage),
  login: lazy(async () => (await import("./login.tsx")).LoginPage),
  link: lazy(async () => (await import("./link.tsx")).LinkPage),
};

const WorkerPage = lazy(async () => (await import("./workers.tsx")).WorkerPage);
const MachinePage = lazy(async () => (await import("./machine.tsx")).MachinePage);
const ImagePage = lazy(async () => (await import("./image.tsx")).ImagePage);
const TaskPage = lazy(async () => (await import("./task.tsx")).TaskPage);

export function pageFor(route: Route) {
  if (route.page === "none") return <NotFound />;
  if (route.page === "task") return <TaskPage key={route.task} task={route.task} run={route.run} tab={route.tab} />;
  if (route.page === "machine") return <MachinePage key={route.machine} machine={route.machine} tab={route.tab} />;
  if (route.page === "worker") return <WorkerPage key={route.worker} worker={route.worker} />;
  if (route.page === "image") return <ImagePage key={route.image} image={route.image} />;
  const Component = SIMPLE[route.page];
  return <Component key={route.page} />;
}

function NotFound() {
  return (
    <Page title="Nothing here">
      <Empty icon="search" title="There is no page at this address.">
        <a href="/">Overview</a>
      </Empty>
    </Page>
  );
}
