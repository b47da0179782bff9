/** Stores one checkpoint of a task, and tells the guest no more than it may know of why it could not be. */
import { codeOf, messageOf } from "../../base/errors.ts";
import { formatBytes, formatDuration } from "../../base/units.ts";
import type { StoredCheckpoint } from "../../guest/guest-checkpoints.ts";
import { ServiceError } from "../../guest/service-error.ts";
import { saveMachine } from "../../snapshot/save-machine.ts";
import type { SnapshotStore } from "../../snapshot/snapshot-store.ts";
import type { RunContext, TaskMachine } from "../feature.ts";
import { ownershipOf } from "./access.ts";
import type { CheckpointsRequest } from "./request.ts";

export interface CheckpointSurroundings {
  readonly run: RunContext;
  readonly request: CheckpointsRequest;
  readonly snapshots: SnapshotStore;
}

/** @throws {ServiceError} what the guest is told; `signal.reason`. */
export async function saveCheckpoint(
  machine: TaskMachine,
  name: string,
  { run, request, snapshots }: CheckpointSurroundings,
  signal: AbortSignal,
): Promise<StoredCheckpoint> {
  const { taskId, runId, config, note } = run;
  const { savable } = machine;
  if (savable === undefined) throw refusal("this machine cannot be saved; the log of the task says why");
  const settings = config.features.checkpoints;
  const created = new Date();
  const expires = new Date(created.getTime() + (request.expiresMs ?? settings.expiresMs)).toISOString();
  try {
    const { id, diskBytes, stillMs } = await saveMachine(snapshots, savable, {
      facts: {
        ...(await machine.hardwareFacts()),
        ...{ kind: "checkpoint", created: created.toISOString(), expires },
        source: { task: { taskId, runId, checkpoint: name } },
        config: ownershipOf(request.scope, run.asker ?? {}),
      },
      room: { maxCount: settings.maxCount, maxBytes: settings.maxBytes, whenFull: settings.whenFull },
      signal: AbortSignal.any([signal, run.signal]),
    });
    const still = Math.round(stillMs);
    run.onCheckpoint?.({ name, snapshot: id, bytes: diskBytes, stillMs: still, expires });
    note(
      `the checkpoint ${name} is stored: ${formatBytes(diskBytes)}, the machine stood still for ` +
        `${formatDuration(still)}, kept until ${expires.slice(0, 19)}Z on this host; tasks start from it with ` +
        `"from": {"task": "${taskId}", "checkpoint": "${name}"}`,
    );
    return { bytes: diskBytes, stillMs: still };
  } catch (error) {
    const why = messageOf(error);
    note(`warning: the checkpoint ${name} is not stored: ${why}`);
    if (codeOf(error) === "machine-held") savable.vm.kill();
    if (codeOf(error) === "snapshots-full") throw refusal("the host keeps as many checkpoints as it may");
    if (codeOf(error) === "disk-space-low") throw refusal("the host has no room for another checkpoint");
    throw error;
  }
}

function refusal(message: string): ServiceError {
  return new ServiceError("ResourceConflict", message);
}
