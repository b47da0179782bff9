import { useSignal } from "@preact/signals";
import type { ApiTaskDetails } from "../../../generated/api.ts";
import { apiPath, send } from "../../core/api.ts";
import { refreshAll } from "../../core/resource.ts";
import { titleOf } from "../../core/tasks.ts";
import { Button } from "../../ui/button.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { toast } from "../../ui/toasts.tsx";

export function CancelDialog({ task, onClose }: { task: ApiTaskDetails; onClose: () => void }) {
  const message = useSignal("");
  const cancel = async () => {
    const body = message.value.trim() === "" ? {} : { message: message.value.trim() };
    await send("POST", apiPath`/tasks/${task.taskId}/cancel`, body);
    onClose();
    toast("Canceled.", "success");
    refreshAll();
  };
  return (
    <Dialog
      title={`Cancel ${titleOf(task)}?`}
      onClose={onClose}
      actions={
        <>
          <Button onPress={onClose}>Leave it</Button>
          <Button kind="danger" icon="stop" onPress={cancel}>
            Cancel the task
          </Button>
        </>
      }
    >
      <p>
        {task.state === "running" ? "Its machine is ended at once, with all that is in it." : "It will not be run."}
      </p>
      <label class="field">
        Why, for who looks at the task later
        <input
          value={message.value}
          maxLength={500}
          onInput={({ currentTarget }) => {
            message.value = currentTarget.value;
          }}
          onKeyDown={({ key }) => {
            if (key === "Enter") void cancel().catch((error: Error) => toast(error.message, "error"));
          }}
        />
      </label>
    </Dialog>
  );
}
