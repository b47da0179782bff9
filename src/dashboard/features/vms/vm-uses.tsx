/** The tabs of a machine that stays: shells in it, its screen, its console. */
import { useCallback, useMemo, useState } from "preact/hooks";
import type { ApiVm } from "../../../generated/api.ts";
import type { MachineTab } from "../../core/routes.ts";
import { Button } from "../../ui/button.tsx";
import { lazy } from "../../ui/lazy.tsx";
import { Empty } from "../../ui/notices.tsx";
import { type Mode, openByTicket, openToView } from "../machine/access.ts";

const Shells = lazy(async () => (await import("../terminal/shells.tsx")).Shells);
const Screen = lazy(async () => (await import("../display/screen.tsx")).Screen);
const Console = lazy(async () => (await import("../console/console.tsx")).Console);

interface VmUseProps {
  vm: ApiVm;
  worker: string | undefined;
  /** To type. */
  isAllowed: boolean;
}

export function VmUseTab({ tab, ...props }: VmUseProps & { tab: MachineTab }) {
  if (tab === "terminal") return <VmShells {...props} />;
  if (tab === "display" && !props.vm.display) {
    return (
      <Empty icon="screen" title="This machine has no screen.">
        It has no graphics card (<code>graphics: none</code>).
      </Empty>
    );
  }
  return <Watched key={tab} kind={tab} {...props} />;
}

function VmShells({ vm: { id, shell }, worker, isAllowed }: VmUseProps) {
  const open = useMemo(() => openByTicket({ vm: id, worker, kind: "shell", mode: "control" }), [id, worker]);
  if (!isAllowed) {
    return (
      <Empty icon="terminal" title="You may not have a shell in this machine.">
        It takes the role operator, or a machine that goes on from a task of your own.
      </Empty>
    );
  }
  if (shell === false) {
    return (
      <Empty icon="terminal" title="Boxcar's agent in this machine does not answer.">
        It may still boot, or its image has none; the console is there all the same.
      </Empty>
    );
  }
  return <Shells open={open} />;
}

/** To look at, or to type into. */
function Watched({ kind, vm: { id }, worker, isAllowed }: VmUseProps & { kind: "display" | "console" }) {
  const [wanted, setWanted] = useState<Mode>(isAllowed ? "control" : "view");
  const mode = isAllowed ? wanted : "view";
  const open = useMemo(() => {
    const place = { vm: id, worker };
    return mode === "view" ? openToView(place, kind) : openByTicket({ ...place, kind, mode });
  }, [id, worker, kind, mode]);
  const toggle = useCallback(() => setWanted(mode === "view" ? "control" : "view"), [mode]);
  const Part = kind === "display" ? Screen : Console;
  return (
    <Part key={mode} mode={mode} open={open}>
      {isAllowed ? (
        <Button icon={mode === "view" ? "keyboard" : "eye"} onPress={toggle}>
          {mode === "view" ? "Take control" : "View only"}
        </Button>
      ) : undefined}
    </Part>
  );
}
