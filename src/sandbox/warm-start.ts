/**
 * Snapshots to start from: found beside the image, or made by booting its machine once.
 *
 * Of several tasks and workers that need the same one at the same time, one makes it and the others wait. Whatever
 * goes wrong costs time, never a task: then it boots.
 */
import { orAborted, orTimeout } from "../base/abort.ts";
import { InvalidInputError, messageOf } from "../base/errors.ts";
import { formatDuration } from "../base/units.ts";
import { createCaptureService } from "../guest/metadata-service.ts";
import { describeCpu } from "../host/cpu.ts";
import { identifyProgram } from "../host/program.ts";
import { requireDiskSpace } from "../image/disk-space.ts";
import type { Snapshot } from "../image/store/snapshots.ts";
import { QmpCommandError } from "../qmp/errors.ts";
import { describeMachine } from "../vm/limits.ts";
import { snapshotKey } from "../vm/snapshot-key.ts";
import { cloudInitKey } from "./cloud-init.ts";
import { GuestGoneError, GuestSilentError } from "./errors.ts";
import { type LaunchOptions, launch } from "./launch.ts";
import { isNetworkFault } from "./machine-networks.ts";

export interface WarmStartOptions extends Omit<LaunchOptions, "onPanic"> {
  /** How long a machine may take until its agent is there. */
  bootTimeoutMs: number;
  /** Told what happens, in sentences for the log of the task. */
  note: (text: string) => void;
}

/** Waiting for longer is worth a line in the log. */
const QUIET_WAIT_MS = 500;
/** After a failure of the host nobody tries again before this time is over. */
const RETRY_AFTER_MS = 10 * 60_000;
const MIB = 1_048_576;
/** Kept free on the disk of the store, whatever a snapshot takes. */
const RESERVE_BYTES = 1_024 * MIB;

/** What the guest did itself, or never does, and what no machine has: it would start no better without being captured. */
function isVerdict(error: unknown): boolean {
  if (error instanceof GuestGoneError) return error.blame === "task";
  return error instanceof InvalidInputError || error instanceof GuestSilentError || isNetworkFault(error);
}

/** No snapshot can be made of this guest, ever. */
class NotCapturableError extends Error {}

/** The snapshot to resume the machine from, made if need be; undefined: it has to boot. */
export async function obtainSnapshot(options: WarmStartOptions): Promise<Snapshot | undefined> {
  try {
    return await findOrMake(options);
  } catch (error) {
    options.signal.throwIfAborted();
    if (isVerdict(error)) throw error;
    options.note(`warning: snapshots cannot be used, so the machine boots: ${messageOf(error)}`);
    return undefined;
  }
}

async function findOrMake(options: WarmStartOptions): Promise<Snapshot | undefined> {
  const { image, machine, accelerator, diskSlots, note } = options;
  const obstacle = findObstacle(options);
  if (obstacle !== undefined) {
    note(`it boots, because ${obstacle}`);
    return undefined;
  }
  const [qemu, cpu] = await Promise.all([identifyProgram(options.qemuBinary), describeCpu()]);
  const cloudInit = await cloudInitKey(options);
  const key = snapshotKey({ machine, accelerator, directBoot: image.directBoot, qemu, cpu, diskSlots, cloudInit });
  const known = await image.snapshots.find(key);
  if (known?.kind === "snapshot") return known;
  await using lock = await tryLock(key, options);
  if (lock === undefined) {
    note("warning: another worker takes too long to capture this machine, so it boots");
    return undefined;
  }
  const entry = await image.snapshots.find(key);
  switch (entry?.kind) {
    case "snapshot":
      return entry;
    case "refusal":
      note(`it boots, because no snapshot can be made of this machine: ${entry.why}`);
      return undefined;
    case "damaged":
      note(`warning: the snapshot of this machine is damaged (${entry.why}); it was removed, and the machine boots`);
      await image.snapshots.remove(entry);
      return undefined;
    case undefined:
      return await makeSnapshot(key, options);
  }
}

/** Waits while somebody else makes the snapshot, but no longer than it may take. */
async function tryLock(key: string, options: WarmStartOptions): Promise<AsyncDisposable | undefined> {
  const { image, bootTimeoutMs, note, signal } = options;
  const timer = setTimeout(() => note("waiting for another task to capture this machine"), QUIET_WAIT_MS);
  try {
    return await image.snapshots.lock(key, AbortSignal.any([signal, AbortSignal.timeout(bootTimeoutMs)]));
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof DOMException && error.name === "TimeoutError") return undefined;
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** Removes a snapshot that a machine could not be resumed from. */
export async function dropSnapshot(snapshot: Snapshot, why: string, options: WarmStartOptions): Promise<void> {
  const { image, note, signal } = options;
  note(`warning: the machine could not be resumed from its snapshot (${why}); it is removed, and the machine boots`);
  try {
    await using lock = await tryLock(snapshot.key, options);
    if (lock === undefined) return;
    // Others may have resumed it since, or put another one in its place.
    const now = await image.snapshots.find(snapshot.key);
    const isSame = now !== undefined && now.kind !== "refusal" && now.id === snapshot.id;
    if (!isSame) return;
    await image.snapshots.remove(snapshot);
    // One that never worked would be made again and again, and never work.
    if (now.kind === "snapshot" && !now.proven) await image.snapshots.refuse(snapshot.key, snapshot.title, why, soon());
  } catch (error) {
    signal.throwIfAborted();
    note(`warning: it could not be removed: ${messageOf(error)}`);
  }
}

/** What of a machine cannot be captured, known before it is started. */
function findObstacle({ machine, cdroms = [] }: LaunchOptions): string | undefined {
  const { firmware, tpm, balloon, cloudInit } = machine;
  if (cloudInit?.userData !== undefined) return "what its user-data does may need the network of a task";
  if (cdroms.length > 0) return "what is on its CDs is no part of a snapshot";
  if (firmware !== "bios") return `the variables of its firmware (${firmware}) are no part of a snapshot`;
  if (tpm) return "the secrets of its TPM must not be copied";
  if (balloon) return "a guest that gives memory back could damage a snapshot that others share";
  return undefined;
}

async function makeSnapshot(key: string, options: WarmStartOptions): Promise<Snapshot | undefined> {
  const { image, machine, accelerator, diskSlots = 0, note, signal } = options;
  const disks = diskSlots === 0 ? "" : `, room for ${diskSlots} disk${diskSlots === 1 ? "" : "s"}`;
  const title = `${describeMachine(machine)}, ${accelerator}${disks}`;
  note("the first start of this machine: it boots once and is captured, later ones resume from that");
  const begin = performance.now();
  try {
    const snapshot = await capture(key, title, options);
    note(`captured after ${formatDuration(performance.now() - begin)}`);
    return snapshot;
  } catch (error) {
    signal.throwIfAborted();
    if (isVerdict(error)) throw error;
    const final = error instanceof NotCapturableError || error instanceof QmpCommandError;
    const why = messageOf(error);
    await image.snapshots.refuse(key, title, why, final ? undefined : soon()).catch(() => {});
    note(`${final ? "" : "warning: "}no snapshot could be made, so the machine boots: ${why}`);
    return undefined;
  }
}

async function capture(key: string, title: string, options: WarmStartOptions): Promise<Snapshot> {
  const { image, machine, bootTimeoutMs, signal } = options;
  await using draft = await image.snapshots.begin(key);
  await requireDiskSpace(draft.directory, machine.memory * MIB, RESERVE_BYTES, "the memory of the machine");
  const called = Promise.withResolvers<never>();
  called.promise.catch(() => {});
  const onAgent = () =>
    called.reject(new NotCapturableError("its guest tools do not say when it may be captured (use Boxcar's agent)"));
  const { vm, network, wakeLine, cloudInit } = await launch(options, { kind: "capture", draft });
  await using _machine = vm;
  network.setHandler(createCaptureService({ agentFile: options.agentFile, cloudInit }, onAgent));
  const gone = vm.ending.then(async () => {
    throw new GuestGoneError(await vm.done);
  });
  gone.catch(() => {});
  const late = Symbol("late");
  const parked = orTimeout(
    Promise.race([wakeLine.parked, called.promise, gone]),
    bootTimeoutMs,
    () => new Error("boot time-out", { cause: late }),
  );
  try {
    await orAborted(parked, signal);
  } catch (error) {
    if (!(error instanceof Error) || error.cause !== late) throw error;
    throw new GuestSilentError(`the guest did not get ready within ${formatDuration(bootTimeoutMs)}`, vm.console.tail);
  }
  await vm.capture(draft.files.state, signal);
  return await draft.publish(title);
}

function soon(): Date {
  return new Date(Date.now() + RETRY_AFTER_MS);
}
