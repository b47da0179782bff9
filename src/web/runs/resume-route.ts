/** The machine of a run that failed, as it was then, becomes a machine that stays. */
import type { Principal } from "../../access/principal.ts";
import { mayDo, type Role } from "../../access/role.ts";
import { findKept, nothingKept } from "../../feature/on-failure/find-kept.ts";
import type { ApiResumeRequest, ApiVm } from "../../generated/api.ts";
import type { VmRecord } from "../../generated/vm-record.ts";
import type { CloneOptions } from "../../hypervisor/direct.ts";
import type { Hypervisor } from "../../hypervisor/hypervisor.ts";
import type { TaskQueue } from "../../queue/task-queue.ts";
import type { SavedMachine } from "../../snapshot/saved-machine.ts";
import type { SnapshotStore } from "../../snapshot/snapshot-store.ts";
import { noteForAudit } from "../access/audited.ts";
import { ApiError } from "../api/api-error.ts";
import { defineRoute, type Route } from "../api/route.ts";
import { vmDocument } from "../machines/long-lived/vm-document.ts";
import { runOf } from "./log-request.ts";
import { findRun } from "./run-reference.ts";

export interface ResumeRouteOptions {
  /** Undefined where others have the queue: then nobody knows who submitted a task. */
  readonly queue: TaskQueue | undefined;
  readonly snapshots: Pick<SnapshotStore, "list" | "acquire">;
  readonly hypervisor: () => Promise<Pick<Hypervisor, "backend"> & Cloner>;
  /** Name of this worker. */
  readonly workerId: string;
  /** Who may; see the configuration. */
  readonly roles: readonly Role[];
  /** How many machines that were resumed there may be on the host, of all tasks. */
  readonly maxResumed: number;
}

interface Cloner {
  cloneFrom(saved: SavedMachine, options: CloneOptions): Promise<VmRecord>;
}

export function resumeRoute(options: ResumeRouteOptions): Route {
  const { queue, snapshots, hypervisor, workerId, roles, maxResumed } = options;
  const admit = (there: readonly VmRecord[]) => requireFewResumed(there, maxResumed);
  return defineRoute<ApiResumeRequest>()({
    method: "POST",
    path: "/api/v1/tasks/{task}/runs/{run}/resume",
    operation: "resumeRun",
    summary:
      "Brings the machine of a run that failed up again, as it was at that instant: a copy, as `boxcar vm` has them",
    tag: "runs",
    // More is looked at below.
    permission: "read",
    answeredBy: "runner",
    body: { api: "resumeRequest" },
    answers: { 201: { description: "The machine, on the host of the worker that ran the task.", schema: "vm" } },
    async handle({ params, principal, body: { name }, request, signal }): Promise<ApiVm> {
      const { task, run, submitter } = await locate(queue, params);
      requireRole(principal, roles, submitter);
      const kept = findKept(await snapshots.list(), { task, run }, new Date());
      if (kept === undefined) throw nothingKept({ task, run });
      const { taskId, runId } = kept.record.source.task ?? {};
      const target = `tasks/${taskId}/runs/${runId}`;
      noteForAudit(request, { target, details: { snapshot: kept.id } });
      await using lease = await snapshots.acquire(kept.id);
      const record = await (await hypervisor()).cloneFrom(lease.saved, { name, admit, signal });
      noteForAudit(request, { target, details: { snapshot: kept.id, vm: record.id } });
      return vmDocument({ record }, { worker: workerId });
    },
  });
}

interface Wanted {
  readonly task: string;
  readonly run: number | "latest";
  /** Undefined: nobody knows. */
  readonly submitter?: string | undefined;
}

async function locate(queue: TaskQueue | undefined, params: { task: string; run: string }): Promise<Wanted> {
  if (queue === undefined) return { task: params.task, run: runOf(params.run) };
  const { task, run } = await findRun(queue, params);
  return { task: task.taskId, run: run.runId, submitter: task.submitter };
}

/** Also those that have stopped: they are started again by who may resume them. @throws {ApiError} `vm-limits` */
function requireFewResumed(there: readonly VmRecord[], max: number): void {
  const resumed = there.filter(({ from }) => from?.task !== undefined && from.task.checkpoint === undefined);
  if (resumed.length < max) return;
  const message =
    `at most ${max} resumed machines may be on a host (features.onFailure.maxResumed of the worker), and there are ` +
    `${resumed.length}; remove one, or raise the limit`;
  throw new ApiError(409, "vm-limits", message);
}

/** @throws {ApiError} `forbidden` */
function requireRole({ name, role }: Principal, roles: readonly Role[], submitter: string | undefined): void {
  const isOwn = submitter !== undefined && submitter === name;
  if (roles.includes(role) && (mayDo(role, "control") || isOwn)) return;
  const message = roles.includes(role)
    ? `${name} is ${role}, who may resume only tasks of his own; this one is of ${submitter ?? "somebody else"}`
    : `${name} is ${role}, who may not resume tasks here; features.onFailure.roles of the worker says who may`;
  throw new ApiError(403, "forbidden", message);
}
