/** "Run again and keep it for me": the same task, whose machine stays after its command. */
import { useSignal } from "@preact/signals";
import type { ApiCopyRequest, ApiTask, ApiTaskDetails } from "../../../generated/api.ts";
import { apiPath, send } from "../../core/api.ts";
import { Button } from "../../ui/button.tsx";
import { Dialog } from "../../ui/dialog.tsx";

const MINUTES = [15, 30, 60, 120] as const;
const MOST_MINUTES = 24 * 60;

interface KeepDialogProps {
  task: ApiTaskDetails;
  onClose: () => void;
  /** Told of the new task. */
  onDone: (task: ApiTask) => void;
}

export function KeepDialog({ task, onClose, onDone }: KeepDialogProps) {
  const minutes = useSignal(30);
  const isValid = Number.isInteger(minutes.value) && minutes.value >= 1 && minutes.value <= MOST_MINUTES;
  const submit = async () => {
    const body: ApiCopyRequest = {
      interactive: { shell: true, display: true, keepAfter: `${minutes.value} minutes` },
    };
    const copy = await send<ApiTask>("POST", apiPath`/tasks/${task.taskId}/copy`, body);
    onClose();
    onDone(copy);
  };
  return (
    <Dialog
      title="Run again and keep it for me"
      onClose={onClose}
      actions={
        <>
          <Button onPress={onClose}>Close</Button>
          <Button kind="primary" icon="play" isDisabled={!isValid} onPress={submit}>
            Run it
          </Button>
        </>
      }
    >
      <p>
        A new task of the same definition is submitted. When its command has ended, its machine stays, with a terminal
        and its screen in this page, until the time is over or you release it.
      </p>
      <div class="field">
        <label for="keep-minutes">How many minutes</label>
        <div class="actions">
          <input
            id="keep-minutes"
            type="number"
            min={1}
            max={MOST_MINUTES}
            value={minutes.value}
            aria-invalid={!isValid}
            onInput={({ currentTarget }) => {
              minutes.value = currentTarget.valueAsNumber;
            }}
          />
          {MINUTES.map((choice) => (
            <button
              key={choice}
              type="button"
              class="chip"
              aria-pressed={minutes.value === choice}
              onClick={() => {
                minutes.value = choice;
              }}
            >
              {choice}
            </button>
          ))}
        </div>
      </div>
    </Dialog>
  );
}
