/** The tab "Terminal" of the task page: shells in the run's machine. */
import { useMemo } from "preact/hooks";
import { mayControl } from "../../core/session.ts";
import { lazy } from "../../ui/lazy.tsx";
import { Empty, Loading } from "../../ui/notices.tsx";
import { openByTicket } from "../machine/access.ts";
import { NoMachine } from "../machine/no-machine.tsx";
import type { RunSlotProps } from "../slot.ts";

const Shells = lazy(async () => (await import("./shells.tsx")).Shells);

export function Terminal({ task, run, report }: RunSlotProps) {
  const { taskId } = task;
  const open = useMemo(() => openByTicket({ task: taskId, run, kind: "shell", mode: "control" }), [taskId, run]);
  if (report === undefined) return <Loading />;
  if (report.live === undefined) return <NoMachine task={task} run={run} report={report} what="shell" />;
  if (!mayControl(task, { isInteractive: report.live.interactive })) {
    return (
      <Empty icon="terminal" title="You may not have a shell in this machine.">
        It takes the role operator, or a task of your own that is interactive.
      </Empty>
    );
  }
  if (!report.live.shell) return <Empty icon="terminal" title="This machine takes no shells." />;
  return <Shells key={`${taskId} ${run}`} open={open} />;
}
