/**
 * Has a machine stand still for as long as it takes to save it, and go on.
 *
 *   running ──stop──▶ still ──disk frozen, state written, `save`──▶ ──cont──▶ running
 *
 * Whatever fails on the way, the machine goes on: a machine left standing is worse than a checkpoint that is missing.
 * One that was paused before stays paused.
 *
 * @see QEMU qapi/run-state.json, qapi/block-core.json
 */
import { setTimeout as delay } from "node:timers/promises";
import { orAborted } from "../base/abort.ts";
import { messageOf } from "../base/errors.ts";
import type { QmpClient } from "../qmp/client.ts";
import { VirtualMachineError } from "./errors.ts";
import { saveState } from "./migration.ts";

export interface CheckpointOptions {
  /** Absolute path of a file that is not there yet: gets the state of the devices. */
  stateFile: string;
  /**
   * Absolute path of an empty qcow2 file that lies on the disk of the machine. From then on the machine writes to this
   * one, and the file it had is never written to again. Default: the disk lies still only while `save` runs.
   */
  newDisk?: string | undefined;
  /** Called while all files of the machine are whole and lie still; the machine goes on when it settles. */
  save: (signal: AbortSignal) => Promise<void>;
  /** The machine goes on at once when it fires, whether `save` has heard of it or not. */
  signal?: AbortSignal | undefined;
}

export interface Checkpoint {
  /** How long the machine stood still. */
  readonly stillMs: number;
}

export interface CheckpointContext {
  monitor: QmpClient;
  socketPath: string;
  /** Has the machine write to another file. */
  changeDisk: (file: string) => Promise<void>;
}

const CANCEL_TIMEOUT_MS = 20_000;
const POLL_MS = 10;
const NEVER = new AbortController().signal;

/**
 * @throws {QmpCommandError} The machine has a device whose state QEMU cannot save; it goes on.
 * @throws {VirtualMachineError} `state-transfer-failed`: it goes on. `machine-gone`: it has ended.
 *   `machine-held`: QEMU does not let it go on.
 * @throws whatever `save` threw; `signal.reason`. The machine goes on.
 */
export async function takeCheckpoint(context: CheckpointContext, options: CheckpointOptions): Promise<Checkpoint> {
  const { monitor, socketPath, changeDisk } = context;
  const { stateFile, newDisk, save, signal = NEVER } = options;
  signal.throwIfAborted();
  const begin = performance.now();
  const wasRunning = await holdStill(monitor);
  let failure: { error: unknown } | undefined;
  try {
    signal.throwIfAborted();
    if (newDisk !== undefined) await changeDisk(newDisk);
    await saveState({ monitor, socketPath, stateFile, signal });
    await orAborted(save(signal), signal);
  } catch (error) {
    failure = { error };
  }
  if (wasRunning) await goOn(monitor, failure?.error);
  if (failure !== undefined) throw failure.error;
  return { stillMs: performance.now() - begin };
}

/**
 * Stops a machine so that its state can be written.
 *
 * @returns whether it ran.
 */
export async function holdStill(monitor: QmpClient): Promise<boolean> {
  const { status, running } = await statusOf(monitor);
  // QEMU has given its disks away for an earlier checkpoint and refuses another one. A machine that is paused moves on
  // by an instant here; there is no other way back.
  if (status === "postmigrate") await monitor.execute("cont");
  await monitor.execute("stop");
  return running;
}

async function goOn(monitor: QmpClient, before: unknown): Promise<void> {
  try {
    await endMigration(monitor);
    await monitor.execute("cont");
    const { status, running } = await statusOf(monitor);
    // What has ended its guest is not for us to undo.
    if (!running && (status === "paused" || status === "postmigrate")) throw new Error(`it is ${status}`);
  } catch (error) {
    const cause = before === undefined ? error : new AggregateError([before, error]);
    if (monitor.isClosed) {
      throw new VirtualMachineError("machine-gone", "the machine ended while it was captured", {
        blame: "host",
        cause,
      });
    }
    const message = `QEMU does not let the machine go on after its capture: ${messageOf(error)}; it has to be stopped`;
    throw new VirtualMachineError("machine-held", message, { blame: "host", cause });
  }
}

/** QEMU ignores that a machine is to go on while its state is on the way. */
async function endMigration(monitor: QmpClient): Promise<void> {
  const deadline = performance.now() + CANCEL_TIMEOUT_MS;
  for (let isCanceled = false; ; ) {
    const { status = "none" } = (await monitor.execute("query-migrate")) as { status?: string };
    if (SETTLED.includes(status)) return;
    if (performance.now() > deadline) throw new Error(`the transfer of its state is ${status} and does not end`);
    if (!isCanceled) await monitor.execute("migrate_cancel");
    isCanceled = true;
    await delay(POLL_MS);
  }
}

const SETTLED: readonly string[] = ["none", "completed", "failed", "cancelled"];

async function statusOf(monitor: QmpClient): Promise<{ status: string; running: boolean }> {
  return (await monitor.execute("query-status")) as { status: string; running: boolean };
}
