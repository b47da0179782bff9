/** What one may do with a task, by what one may and what it is at. */
import { useSignal } from "@preact/signals";
import type { ApiTask, ApiTaskDetails } from "../../../generated/api.ts";
import { apiPath, send } from "../../core/api.ts";
import { refreshAll } from "../../core/resource.ts";
import { navigate } from "../../core/router.ts";
import { taskPath } from "../../core/routes.ts";
import { may, mayEnd } from "../../core/session.ts";
import { Button } from "../../ui/button.tsx";
import { toast } from "../../ui/toasts.tsx";
import { CancelDialog } from "./cancel-dialog.tsx";
import { KeepDialog } from "./keep-dialog.tsx";

export function TaskActions({ task }: { task: ApiTaskDetails }) {
  const dialog = useSignal<"cancel" | "keep" | undefined>(undefined);
  const isOver = task.state === "completed" || task.state === "failed" || task.state === "exception";
  const close = () => {
    dialog.value = undefined;
  };
  const rerun = async () => {
    await send("POST", apiPath`/tasks/${task.taskId}/rerun`);
    toast("It will run again.", "success");
    navigate(taskPath(task.taskId));
    refreshAll();
  };
  return (
    <>
      {isOver && mayEnd(task) ? (
        <Button icon="rerun" onPress={rerun}>
          Rerun
        </Button>
      ) : undefined}
      {may("submit") ? (
        <Button
          icon="terminal"
          onPress={() => {
            dialog.value = "keep";
          }}
        >
          Run again and keep it for me
        </Button>
      ) : undefined}
      {!isOver && mayEnd(task) ? (
        <Button
          icon="stop"
          kind="danger"
          onPress={() => {
            dialog.value = "cancel";
          }}
        >
          Cancel
        </Button>
      ) : undefined}
      {dialog.value === "cancel" ? <CancelDialog task={task} onClose={close} /> : undefined}
      {dialog.value === "keep" ? <KeepDialog task={task} onClose={close} onDone={goTo} /> : undefined}
    </>
  );
}

function goTo(task: ApiTask): void {
  toast("Submitted; its machine stays when the command has ended.", "success");
  navigate(taskPath(task.taskId));
}
