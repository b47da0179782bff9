/**
 * Puts the machine of a run into the store as it is at the instant it failed; it goes on, so that what is to be collected
 * can be. Whatever keeps it from that changes nothing for the run.
 */
import { codeOf, messageOf } from "../../base/errors.ts";
import { formatBytes, formatDuration } from "../../base/units.ts";
import type { OnFailureSettings } from "../../config/features/on-failure.ts";
import { planRoom, type RoomLimits } from "../../snapshot/room.ts";
import { saveMachine } from "../../snapshot/save-machine.ts";
import type { SavedMachine } from "../../snapshot/saved-machine.ts";
import type { SnapshotStore } from "../../snapshot/snapshot-store.ts";
import type { RunContext, TaskMachine } from "../feature.ts";
import { formatPolicy } from "../network/describe-policy.ts";
import type { Stop } from "../outcome.ts";

export interface KeepOptions {
  readonly run: RunContext;
  readonly snapshots: SnapshotStore;
  readonly keepMs: number;
}

/** Of a record. */
const MAX_REASON = 1_000;

/** Rejects only where nobody waits for the run any more. */
export async function keepFailed(machine: TaskMachine, failure: Stop, options: KeepOptions): Promise<void> {
  const { run, keepMs } = options;
  const { signal, note, taskId } = run;
  try {
    const saved = await save(machine, failure, options);
    const { id, diskBytes, stillMs, record } = saved;
    const { expires = "" } = record;
    run.onKept?.({ snapshot: id, reason: reasonOf(failure), expires, bytes: diskBytes });
    note(
      `the machine is kept as it was at this instant, for ${formatDuration(keepMs)}, until ${expires.slice(0, 19)}Z ` +
        `(${formatBytes(diskBytes)}; it stood still for ${formatDuration(Math.round(stillMs))}); ` +
        `"boxcar resume ${taskId}" brings it up`,
    );
  } catch (error) {
    signal.throwIfAborted();
    note(`warning: the machine is not kept as it was: ${messageOf(error)}`);
    // It would stand still until somebody's patience is over.
    if (codeOf(error) === "machine-held") machine.vm.kill();
  }
}

async function save(
  machine: TaskMachine,
  failure: Stop,
  { run, snapshots, keepMs }: KeepOptions,
): Promise<SavedMachine & { stillMs: number }> {
  const { savable } = machine;
  if (savable === undefined) throw new Error("it cannot be saved, as was said when it started");
  const { taskId, runId, config, signal, asker } = run;
  const room = roomOf(config.features.onFailure);
  const created = new Date();
  await requireRoom(snapshots, room, created);
  const user = machine.guest.task.latest?.user;
  return await saveMachine(snapshots, savable, {
    facts: {
      ...(await machine.hardwareFacts()),
      ...{ kind: "failed", created: created.toISOString() },
      expires: new Date(created.getTime() + keepMs).toISOString(),
      source: { task: { taskId, runId, reason: reasonOf(failure) } },
      network: formatPolicy(run.payload.network),
      guest: { logOffset: machine.guest.log.position, ...(user === undefined ? {} : { user }) },
      config: { failure: failure.reason, ...(asker?.submitter === undefined ? {} : { submitter: asker.submitter }) },
    },
    room,
    signal,
  });
}

function roomOf({ maxCount, maxBytes }: OnFailureSettings): RoomLimits {
  return { maxCount, maxBytes, whenFull: "refuse" };
}

/** To know it before anything is copied. @throws {SnapshotError} `snapshots-full` */
async function requireRoom(snapshots: SnapshotStore, room: RoomLimits, now: Date): Promise<void> {
  const saved = (await snapshots.list()).filter((entry) => entry.kind === "machine");
  const there = saved.filter(({ record }) => record.kind === "failed" && record.imported !== true);
  planRoom({ there, inUse: new Set(), newBytes: 0, now }, room);
}

function reasonOf({ message }: Stop): string {
  return message.slice(0, MAX_REASON);
}
