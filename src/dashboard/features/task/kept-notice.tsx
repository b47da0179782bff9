/** The command has ended, and the machine waits for a person. */
import type { ApiRunReport, ApiTaskDetails } from "../../../generated/api.ts";
import { apiPath, send } from "../../core/api.ts";
import { refreshAll } from "../../core/resource.ts";
import { mayControl } from "../../core/session.ts";
import { Button } from "../../ui/button.tsx";
import { Icon } from "../../ui/icon.tsx";
import { Remaining } from "../../ui/time.tsx";
import { toast } from "../../ui/toasts.tsx";

const MORE = "30 minutes";

export function KeptNotice({ task, report }: { task: ApiTaskDetails; report: ApiRunReport }) {
  const { live } = report;
  if (live?.keptUntil === undefined) return null;
  const path = apiPath`/tasks/${task.taskId}/runs/${report.runId}`;
  const keep = async () => {
    await send("POST", `${path}/keep`, { for: MORE });
    toast(`The machine stays for ${MORE} from now.`, "success");
    refreshAll();
  };
  const release = async () => {
    await send("POST", `${path}/release`);
    toast("The machine is ended.", "success");
    refreshAll();
  };
  return (
    <div class="notice kept" role="status">
      <Icon name="clock" />
      <div>
        <p>
          The command has ended. The machine is kept for <Remaining until={live.keptUntil} />.
        </p>
      </div>
      {mayControl(task, { isInteractive: live.interactive }) ? (
        <div class="actions">
          <Button onPress={keep}>Keep {MORE} from now</Button>
          <Button kind="danger" onPress={release}>
            Release it
          </Button>
        </div>
      ) : undefined}
    </div>
  );
}
