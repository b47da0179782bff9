/** The machine was kept as it was when the command failed. */
import type { ApiRunReport, ApiTaskDetails, ApiVm } from "../../../generated/api.ts";
import { apiPath, send } from "../../core/api.ts";
import { formatBytes } from "../../core/format.ts";
import { navigate } from "../../core/router.ts";
import { machinePath } from "../../core/routes.ts";
import { mayControl, session } from "../../core/session.ts";
import { Button } from "../../ui/button.tsx";
import { Icon } from "../../ui/icon.tsx";
import { Command } from "../../ui/notices.tsx";
import { Remaining } from "../../ui/time.tsx";
import { toast } from "../../ui/toasts.tsx";

export function SavedNotice({ task, report }: { task: ApiTaskDetails; report: ApiRunReport }) {
  const { saved, runId } = report;
  if (saved === undefined) return null;
  const resume = async () => {
    const vm = await send<ApiVm>("POST", apiPath`/tasks/${task.taskId}/runs/${runId}/resume`);
    toast("This is a copy of the machine, your own: its processes go on from where they were.", "success");
    // Another worker may have it.
    const worker = vm.worker === session.value?.workerId ? undefined : vm.worker;
    navigate(machinePath(vm.id, { worker }));
  };
  return (
    <section class="notice saved" aria-label="The machine of this run">
      <Icon name="camera" />
      <div>
        <p>
          <strong>The machine was kept at the instant it failed:</strong> {saved.reason}
        </p>
        <p class="quiet-text small">
          Its memory, its processes and its disk, {formatBytes(saved.bytes)}, for <Remaining until={saved.expires} />{" "}
          more. Each who resumes it has a copy.
        </p>
        <Command text={`boxcar resume ${task.taskId}`} />
      </div>
      {mayControl(task) ? (
        <div class="actions">
          <Button kind="primary" icon="play" onPress={resume}>
            Resume the machine
          </Button>
        </div>
      ) : undefined}
    </section>
  );
}
