/** What `GET /api/v1/events` says. Everything else has its types in src/generated/api.ts. */
import type { ApiRun, ApiTask, ApiVm, ApiWorkerStatus } from "../generated/api.ts";

export type TaskState = ApiTask["state"];
export type RunState = ApiRun["state"];
export type WorkerState = ApiWorkerStatus["state"];
export type VmState = ApiVm["state"];

/** By the names of the events. */
export interface ServerEvents {
  /** The first of each connection. */
  hello: { workerId: string };
  /** There may have been events that are not told: whatever is shown may be old. */
  gap: Record<string, never>;
  task: { taskId: string; state: TaskState; runId?: number; queue: string; name?: string };
  phase: { taskId: string; runId: number; phase: string; workerId: string };
  worker: { workerId: string; state: WorkerState };
  image: Record<string, unknown>;
  machine: { workerId: string; machine: string; change: string; state: string };
}

export type EventName = keyof ServerEvents;

export type ServerEvent = { [Name in EventName]: { name: Name; data: ServerEvents[Name] } }[EventName];

export type Permission = "read" | "submit" | "control" | "operate" | "administer";
