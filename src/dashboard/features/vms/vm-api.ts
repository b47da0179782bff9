/** Requests about the machines that stay on the host of one worker. */
import type { ApiVm } from "../../../generated/api.ts";
import { send } from "../../core/api.ts";
import { placePath } from "../machine/link-target.ts";

export type VmVerb = "start" | "stop" | "pause" | "resume";

/** @param worker Undefined: the one that answers. */
export function vmsPath(worker: string | undefined): string {
  return `/vms${worker === undefined ? "" : `?worker=${encodeURIComponent(worker)}`}`;
}

export function vmPath(vm: string, worker: string | undefined): string {
  return placePath({ vm, worker }, "");
}

export function changeVm({ id }: ApiVm, worker: string | undefined, verb: VmVerb, body = {}): Promise<ApiVm> {
  return send("POST", placePath({ vm: id, worker }, `/${verb}`), body);
}

export async function removeVm({ id }: ApiVm, worker: string | undefined): Promise<void> {
  await send("DELETE", placePath({ vm: id, worker }, "", new URLSearchParams({ force: "1" })));
}
