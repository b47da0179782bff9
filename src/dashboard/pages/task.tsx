import type { TaskTab } from "../core/routes.ts";
import { Page } from "../ui/page.tsx";

interface TaskPageProps {
  task: string;
  run: number | "latest";
  tab: TaskTab;
}

export function TaskPage({ task, run, tab }: TaskPageProps) {
  return (
    <Page title={task}>
      {run} {tab}
    </Page>
  );
}
