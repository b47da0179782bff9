/** Finds the checkpoint that a task starts from, and holds it. */
import { codeOf, InvalidInputError, messageOf } from "../../base/errors.ts";
import { Scope } from "../../base/scope.ts";
import type { CheckpointsSettings } from "../../config/features/checkpoints.ts";
import type { MachineSnapshot } from "../../generated/machine-snapshot.ts";
import { createMove, type GuestMove } from "../../guest/guest-move.ts";
import { SnapshotError } from "../../snapshot/errors.ts";
import { resolvedMachine } from "../../snapshot/restore-machine.ts";
import { type HostFacts, requireSameHost } from "../../snapshot/same-host.ts";
import type { SavedMachine } from "../../snapshot/saved-machine.ts";
import type { SnapshotStore } from "../../snapshot/snapshot-store.ts";
import type { ResolvedMachine } from "../../vm/limits.ts";
import { type Asker, whyForbidden } from "./access.ts";
import { CheckpointError } from "./errors.ts";
import { findCheckpoint } from "./find-checkpoint.ts";
import type { ForkRequest } from "./request.ts";

/** It is not removed before this is disposed. */
export interface OpenedCheckpoint extends AsyncDisposable {
  readonly saved: SavedMachine;
  /** Its hardware. */
  readonly machine: ResolvedMachine;
  /**
   * All its places for disks.
   *
   * @throws {InvalidInputError} (blame: task) if fewer than `disks` are free.
   */
  slotsFor(disks: number): number;
  /** What its guest is told. */
  readonly move: GuestMove;
}

export interface CheckpointSearch {
  readonly snapshots: SnapshotStore | undefined;
  readonly asker: Asker;
  readonly settings: Pick<CheckpointsSettings, "whenMissing">;
}

/**
 * @throws {CheckpointError} It is not on this host, has expired, cannot be used, or is for others.
 */
export async function openCheckpoint(
  request: ForkRequest,
  { snapshots, asker, settings }: CheckpointSearch,
): Promise<OpenedCheckpoint> {
  const { checkpoint, index, count } = request;
  const wanted = { taskId: request.task, runId: request.run, checkpoint };
  const found = findCheckpoint((await snapshots?.list()) ?? [], wanted, new Date());
  if (snapshots === undefined || found === undefined) throw missing(request, settings);
  const why = whyForbidden(found.record, asker);
  const named = describe(request);
  if (why !== undefined) {
    throw new CheckpointError("checkpoint-forbidden", `${named} is not for this task: ${why}`);
  }
  await using scope = new Scope();
  try {
    const { saved } = scope.use(await snapshots.acquire(found.id));
    const { record } = saved;
    const lease = scope.move();
    return {
      saved,
      machine: resolvedMachine(record.machine),
      slotsFor: (disks) => requireSlots(record, disks),
      move: createMove({ fork: { checkpoint, index, count } }),
      [Symbol.asyncDispose]: () => lease[Symbol.asyncDispose](),
    };
  } catch (error) {
    if (!(error instanceof SnapshotError)) throw error;
    if (codeOf(error) === "snapshot-not-found") throw missing(request, settings);
    throw new CheckpointError("checkpoint-unusable", `${named} cannot be used: ${messageOf(error)}`, { cause: error });
  }
}

/** @throws {CheckpointError} Its machine cannot go on here. */
export function requireUsable({ saved: { record } }: OpenedCheckpoint, here: HostFacts): void {
  try {
    requireSameHost(record, here);
  } catch (error) {
    const name = `the checkpoint ${record.source.task?.checkpoint}`;
    const message = `${name} cannot be used any more: ${messageOf(error)}; make it anew`;
    throw new CheckpointError("checkpoint-unusable", message, { cause: error });
  }
}

function requireSlots({ diskSlots = 0, dataDisks = [] }: MachineSnapshot, disks: number): number {
  const free = diskSlots - dataDisks.length;
  if (disks <= free) return diskSlots;
  const message = `are ${disks}, and the machine of the checkpoint has room for ${free} more`;
  throw new InvalidInputError("The task", [{ path: "caches", message }], "task");
}

function missing(request: ForkRequest, { whenMissing }: CheckpointSearch["settings"]): Error {
  const message =
    `${describe(request)} is not on this host: it has expired or was removed, its task has made none of that name, or ` +
    "another host has it; checkpoints do not leave their host, so run the tasks where it was made, or make it anew";
  const reason = whenMissing === "retry" ? "intermittent-task" : undefined;
  return new CheckpointError("checkpoint-not-found", message, { reason });
}

function describe({ task, run, checkpoint }: ForkRequest): string {
  return `the checkpoint ${checkpoint} of ${run === undefined ? "" : `run ${run} of `}the task ${task}`;
}
