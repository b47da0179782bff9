/** What one may do with a machine that stays. */
import type { ApiTaskDetails, ApiVm } from "../../../generated/api.ts";
import { apiPath } from "../../core/api.ts";
import { useResource } from "../../core/resource.ts";
import { may, mayControl } from "../../core/session.ts";

export interface VmRights {
  /** Start, stop, use it. */
  readonly control: boolean;
  readonly remove: boolean;
}

/** A machine that goes on from a task is also that of who submitted the task. */
export function useVmRights(vm: ApiVm | undefined): VmRights {
  const taskId = vm?.from?.task?.taskId;
  const isAsked = taskId !== undefined && !may("control") && may("submit");
  const task = useResource<ApiTaskDetails>(isAsked ? apiPath`/tasks/${taskId}` : undefined).data;
  const control = may("control") || (task !== undefined && mayControl(task));
  return { control, remove: may("administer") || (taskId !== undefined && control) };
}
