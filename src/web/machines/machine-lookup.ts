/** The machines that run on this host, as the API finds them. */
import type { LiveMachine } from "../../feature/interactive/live-machine.ts";
import type { ApiLive } from "../../generated/api.ts";
import { ApiError } from "../api/api-error.ts";
import { runOf } from "../runs/log-request.ts";

/** Undefined where there is none: yet, or any more. @throws {WorkerError} `task-not-found` */
export type MachineLookup = (key: { task: string; run: number | "latest" }) => Promise<LiveMachine | undefined>;

/** @throws {ApiError} `bad-request`, `no-machine`; {@link WorkerError} `task-not-found` */
export async function findMachine(lookup: MachineLookup, params: { task: string; run: string }): Promise<LiveMachine> {
  const machine = await lookup({ task: params.task, run: runOf(params.run) });
  if (machine !== undefined) return machine;
  throw new ApiError(
    404,
    "no-machine",
    `${params.run === "latest" ? "the last run" : `run ${params.run}`} of task ${params.task} has no machine: it has not started yet, or is over; "interactive" in the payload keeps one after its command`,
  );
}

export function describeLive({ hasDisplay, hasShell, interactive, keptUntil, viewers, shells }: LiveMachine): ApiLive {
  return {
    ...{ display: hasDisplay, shell: hasShell, interactive: interactive !== undefined, viewers, shells },
    ...(keptUntil === undefined ? {} : { keptUntil: keptUntil.toISOString() }),
  };
}

/** For the audit log. */
export function nameOfMachine({ taskId, runId }: LiveMachine): string {
  return `tasks/${taskId}/runs/${runId}`;
}
