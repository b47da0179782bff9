/** What one may do with a machine that stays, by its state. */
import { useState } from "preact/hooks";
import type { ApiVm } from "../../../generated/api.ts";
import { refreshAll } from "../../core/resource.ts";
import { Button } from "../../ui/button.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import type { IconName } from "../../ui/icon.tsx";
import { toast } from "../../ui/toasts.tsx";
import type { VmRights } from "./use-vm-rights.ts";
import { changeVm, removeVm, type VmVerb } from "./vm-api.ts";
import { isLive, vmTitle } from "./vm-words.ts";

interface VmActionsProps {
  vm: ApiVm;
  worker: string | undefined;
  rights: VmRights;
  /** Where to go when it is gone; default: it is not offered. */
  onGone?: () => void;
}

const VERBS: Readonly<Record<Exclude<VmVerb, "stop">, { label: string; icon: IconName; done: string }>> = {
  start: { label: "Start", icon: "play", done: "runs." },
  pause: { label: "Pause", icon: "pause", done: "stands still." },
  resume: { label: "Resume", icon: "play", done: "goes on." },
};

/** Those that make sense in its state; the first is what one most likely wants. */
function verbsFor({ state }: ApiVm): (keyof typeof VERBS)[] {
  if (state === "running") return ["pause"];
  if (state === "paused") return ["resume"];
  return state === "creating" ? [] : ["start"];
}

export function VmActions({ vm, worker, rights, onGone }: VmActionsProps) {
  const [dialog, setDialog] = useState<"stop" | "remove">();
  const title = vmTitle(vm);
  const close = () => setDialog(undefined);
  const act = (verb: keyof typeof VERBS) => async () => {
    await changeVm(vm, worker, verb);
    toast(`${title} ${VERBS[verb].done}`, "success");
    refreshAll();
  };
  return (
    <>
      {rights.control
        ? verbsFor(vm).map((verb) => (
            <Button
              key={verb}
              icon={VERBS[verb].icon}
              kind={verb === "pause" ? "plain" : "primary"}
              onPress={act(verb)}
            >
              {VERBS[verb].label}
            </Button>
          ))
        : undefined}
      {rights.control && isLive(vm) ? (
        <Button icon="stop" onPress={() => setDialog("stop")}>
          Stop …
        </Button>
      ) : undefined}
      {rights.remove && onGone !== undefined && vm.state !== "creating" ? (
        <Button kind="danger" onPress={() => setDialog("remove")}>
          Remove …
        </Button>
      ) : undefined}
      {dialog === "stop" ? <StopDialog vm={vm} worker={worker} onClose={close} /> : undefined}
      {dialog === "remove" ? <RemoveDialog {...{ vm, worker, onGone }} onClose={close} /> : undefined}
    </>
  );
}

interface DialogProps extends Pick<VmActionsProps, "vm" | "worker"> {
  onClose: () => void;
  onGone?: (() => void) | undefined;
}

function StopDialog({ vm, worker, onClose }: DialogProps) {
  const title = vmTitle(vm);
  const stop = (force: boolean) => async () => {
    await changeVm(vm, worker, "stop", { force });
    onClose();
    toast(`${title} is stopped.`, "success");
    refreshAll();
  };
  return (
    <Dialog
      title={`Stop ${title}`}
      onClose={onClose}
      actions={
        <>
          <Button onPress={onClose}>Leave it</Button>
          <Button kind="danger" onPress={stop(true)}>
            Pull the plug
          </Button>
          <Button kind="primary" icon="stop" onPress={stop(false)}>
            Shut it down
          </Button>
        </>
      }
    >
      <p>
        Its guest is asked to power off, and has 30 seconds for that. What is on its disk stays; what is only in its
        memory is lost.
      </p>
    </Dialog>
  );
}

function RemoveDialog({ vm, worker, onGone, onClose }: DialogProps) {
  const title = vmTitle(vm);
  const remove = async () => {
    await removeVm(vm, worker);
    onClose();
    toast(`${title} is gone.`, "success");
    onGone?.();
    refreshAll();
  };
  return (
    <Dialog
      title={`Remove ${title}`}
      onClose={onClose}
      actions={
        <>
          <Button onPress={onClose}>Leave it</Button>
          <Button kind="danger" onPress={remove}>
            Remove it
          </Button>
        </>
      }
    >
      <p>The machine and its disk are removed. Nobody can get them back.</p>
      {isLive(vm) ? <p class="notice bad">It is {vm.state} at this moment.</p> : undefined}
    </Dialog>
  );
}
