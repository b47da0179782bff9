/** The tab "Display" of the task page: the screen of the run's machine, to look at or to use. */
import { useCallback, useMemo, useState } from "preact/hooks";
import { may, mayControl } from "../../core/session.ts";
import { Button } from "../../ui/button.tsx";
import { Empty, Loading } from "../../ui/notices.tsx";
import { type Mode, openByTicket, openToView } from "../machine/access.ts";
import { NoMachine } from "../machine/no-machine.tsx";
import type { RunSlotProps } from "../slot.ts";
import { Screen } from "./screen.tsx";

export function Display({ task, run, report }: RunSlotProps) {
  if (!may("read")) return <Empty icon="screen" title="You may not see the screens of machines." />;
  if (report === undefined) return <Loading />;
  if (report.live === undefined) return <NoMachine task={task} run={run} report={report} what="screen" />;
  if (!report.live.display) {
    return (
      <Empty icon="screen" title="This machine has no screen that one may see.">
        It has no graphics card (<code>graphics: none</code>), or it has not started yet.
      </Empty>
    );
  }
  const { viewers, interactive } = report.live;
  const isAllowed = mayControl(task, { isInteractive: interactive });
  return <LiveDisplay taskId={task.taskId} run={run} viewers={viewers} isAllowed={isAllowed} takes={interactive} />;
}

interface LiveDisplayProps {
  taskId: string;
  run: number;
  viewers: number;
  /** To use it. */
  isAllowed: boolean;
  /** It is there to be used. */
  takes: boolean;
}

function LiveDisplay({ taskId, run, viewers, isAllowed, takes }: LiveDisplayProps) {
  const [wanted, setWanted] = useState<Mode>(isAllowed && takes ? "control" : "view");
  const mode = isAllowed ? wanted : "view";
  const open = useMemo(() => {
    const target = { task: taskId, run, kind: "display", mode } as const;
    return mode === "view" ? openToView(target) : openByTicket(target);
  }, [taskId, run, mode]);
  const toggle = useCallback(() => setWanted(mode === "view" ? "control" : "view"), [mode]);
  return (
    <Screen key={`${taskId} ${run} ${mode}`} mode={mode} open={open} viewers={viewers}>
      {isAllowed ? (
        <Button icon={mode === "view" ? "keyboard" : "eye"} onPress={toggle}>
          {mode === "view" ? "Take control" : "View only"}
        </Button>
      ) : undefined}
    </Screen>
  );
}
