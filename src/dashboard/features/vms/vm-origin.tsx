import type { ApiVm } from "../../../generated/api.ts";
import { shortId } from "../../core/format.ts";
import { machinePath, taskPath } from "../../core/routes.ts";

/** What it goes on from, where that was no image alone. */
export function VmOrigin({ from, worker }: { from: NonNullable<ApiVm["from"]>; worker: string | undefined }) {
  const { task, vm, snapshot } = from;
  if (task !== undefined) {
    const link = <a href={taskPath(task.taskId, { run: task.runId })}>task {shortId(task.taskId)}</a>;
    if (task.checkpoint === undefined) return <>the failure of {link}</>;
    return (
      <>
        checkpoint {task.checkpoint} of {link}
      </>
    );
  }
  if (vm === undefined) return <>snapshot {snapshot}</>;
  return (
    <>
      a snapshot of <a href={machinePath(vm.id, { worker })}>{vm.name ?? vm.id}</a>
    </>
  );
}
