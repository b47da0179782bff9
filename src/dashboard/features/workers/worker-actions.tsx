/** What one may do with a worker, each with a reason. */
import { useState } from "preact/hooks";
import type { ApiWorker } from "../../../generated/api.ts";
import { apiPath, messageOf, send } from "../../core/api.ts";
import { refreshAll } from "../../core/resource.ts";
import { may } from "../../core/session.ts";
import { Button } from "../../ui/button.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import type { IconName } from "../../ui/icon.tsx";
import { toast } from "../../ui/toasts.tsx";

type ActionName = "pause" | "resume" | "drain" | "stop";

interface Action {
  readonly label: string;
  readonly icon: IconName;
  readonly isDanger: boolean;
  /** What it does. */
  readonly text: string;
  readonly done: string;
}

const ACTIONS: Readonly<Record<ActionName, Action>> = {
  pause: {
    ...{ label: "Pause", icon: "pause", isDanger: false, done: "It claims no more tasks." },
    text: "It claims no more tasks until somebody resumes it. What runs goes on.",
  },
  resume: {
    ...{ label: "Resume", icon: "play", isDanger: false, done: "It claims tasks again." },
    text: "It claims tasks again.",
  },
  drain: {
    ...{ label: "Drain", icon: "arrowDown", isDanger: false, done: "It finishes what runs, and ends." },
    text: "It finishes what runs, claims nothing more, and ends. Only its host can start it again.",
  },
  stop: {
    ...{ label: "Stop", icon: "stop", isDanger: true, done: "It ends now." },
    text: "It ends now. What runs on it is ended, and run again by others. Only its host can start it again.",
  },
};

/** Those that make sense in its state, and that one may do. */
function actionsFor({ state }: ApiWorker["status"]): ActionName[] {
  const isEnding = state === "draining" || state === "stopping" || state === "stopped";
  const operations: ActionName[] = isEnding ? [] : [state === "paused" ? "resume" : "pause", "drain"];
  return [
    ...(may("operate") ? operations : []),
    ...(may("administer") && state !== "stopping" && state !== "stopped" ? (["stop"] as const) : []),
  ];
}

export function WorkerActions({ worker }: { worker: ApiWorker }) {
  const [asked, setAsked] = useState<ActionName>();
  return (
    <div class="actions">
      {actionsFor(worker.status).map((name) => (
        <Button
          key={name}
          icon={ACTIONS[name].icon}
          kind={ACTIONS[name].isDanger ? "danger" : "plain"}
          onPress={() => setAsked(name)}
        >
          {ACTIONS[name].label}
        </Button>
      ))}
      {asked === undefined ? undefined : (
        <ReasonDialog worker={worker} name={asked} onClose={() => setAsked(undefined)} />
      )}
    </div>
  );
}

function ReasonDialog({ worker, name, onClose }: { worker: ApiWorker; name: ActionName; onClose: () => void }) {
  const [reason, setReason] = useState("");
  const { label, text, isDanger, done } = ACTIONS[name];
  const { running } = worker.status;
  const act = async () => {
    const body = reason.trim() === "" ? {} : { reason: reason.trim() };
    await send("POST", `${apiPath`/workers/${worker.workerId}`}/${name}`, body);
    onClose();
    toast(`${worker.workerId}: ${done}`, "success");
    refreshAll();
  };
  return (
    <Dialog
      title={`${label} ${worker.workerId}`}
      onClose={onClose}
      actions={
        <>
          <Button onPress={onClose}>Leave it</Button>
          <Button kind={isDanger ? "danger" : "primary"} onPress={act}>
            {label}
          </Button>
        </>
      }
    >
      <p>{text}</p>
      {isDanger && running.length > 0 ? (
        <p class="notice bad">
          {running.length === 1 ? "1 task runs" : `${running.length} tasks run`} on it at this moment.
        </p>
      ) : undefined}
      <label class="field">
        Reason, for the log and for who looks at it
        <input
          value={reason}
          maxLength={500}
          autocomplete="off"
          onInput={({ currentTarget }) => setReason(currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === "Enter") act().catch((error: unknown) => toast(messageOf(error), "error"));
          }}
        />
      </label>
    </Dialog>
  );
}
