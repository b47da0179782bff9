/** New machines made of saved ones, and machines that go back to what they were: what is done before they start. */
import { InvalidInputError } from "../../base/errors.ts";
import { networkIssues } from "../../feature/network/request.ts";
import type { VmRecord } from "../../generated/vm-record.ts";
import { requireDiskSpace } from "../../image/disk-space.ts";
import { copiedBytes } from "../../snapshot/restore-machine.ts";
import { describeHost, requireSameHost } from "../../snapshot/same-host.ts";
import type { SavedMachine } from "../../snapshot/saved-machine.ts";
import { resolveMachine } from "../../vm/limits.ts";
import type { CloneOptions } from "../direct.ts";
import { VmError } from "../errors.ts";
import { withStaged } from "../going-on.ts";
import type { VmIndex, VmLock } from "../index-store.ts";
import { makeWithinLimits } from "../limits.ts";
import { called } from "../refs.ts";
import { buildClone } from "../spec.ts";
import { advanceRecord } from "../states.ts";
import type { QemuHost } from "./host.ts";
import { MachineFiles } from "./machine-files.ts";
import { fillFolder, settleFiles, stageFiles } from "./saved-files.ts";

interface Means {
  readonly index: VmIndex;
  readonly host: QemuHost;
}

/** Kept free, whatever is copied. */
const RESERVE_BYTES = 1_024 ** 3;

/** Whether it can go on here at all. @throws {SnapshotError} `snapshot-other-host`; {@link ImageError} `disk-space-low` */
export async function requireGoesOn(
  saved: SavedMachine,
  { index, host }: Means,
  { note, signal }: Pick<CloneOptions, "note" | "signal">,
): Promise<void> {
  const accelerator = await host.chooseAccelerator(signal, note ?? (() => {}));
  requireSameHost(saved.record, await describeHost(host.config.qemu.binary, accelerator));
  await requireDiskSpace(index.directory, await copiedBytes(saved), RESERVE_BYTES, "the machine");
}

/** A machine with all its files, not started yet. @throws as {@link Direct.cloneFrom}; nothing is left then. */
export async function makeClone(
  saved: SavedMachine,
  options: CloneOptions,
  { index, host, ...facts }: Means & { backend: string; runParent: string },
): Promise<VmRecord> {
  const { config } = host;
  const { signal } = options;
  const { image, machine, network: hadNetwork } = saved.record;
  const issues = networkIssues(options.network ?? hadNetwork, config.network.policy);
  if (issues.length > 0) throw new InvalidInputError("The machine", issues, "task");
  // The hardware is what was saved; whether this host gives as much is another question.
  resolveMachine({ image: machine }, config.machineOptions);
  await requireGoesOn(saved, { index, host }, options);
  await using lease = await host.images.acquire(image.digest);
  const create = () =>
    index.create((id, folder) => buildClone(saved, options, { ...facts, id, folder, now: new Date() }));
  const bytes = await copiedBytes(saved);
  await using lock = await makeWithinLimits({ index, vms: config.vms, signal }, bytes, create, options.admit);
  try {
    const { id } = lock.record;
    const files = new MachineFiles(index.folderOf(id));
    await host.images.pin(image.digest, { key: `vm-${id}`, path: files.folder });
    await fillFolder(files, saved, lock.record, { image: lease.image, signal });
    await lock.write(advanceRecord(lock.record, "made", { now: new Date() }));
    return lock.record;
  } catch (error) {
    await lock.remove();
    throw error;
  }
}

/** @throws {VmError} `vm-invalid` */
export function requireSameMachine({ id, record }: SavedMachine, machine: VmRecord): void {
  const { vm } = record.source;
  if (vm?.id === machine.id && record.image.digest === machine.image.digest) return;
  const whose = vm === undefined ? "the machine of a task" : `the machine ${called(vm)}`;
  const hint = `"boxcar vm clone ${id}" makes a machine of it`;
  throw new VmError("vm-invalid", `the snapshot ${id} is of ${whose}, and not of ${called(machine)}; ${hint}`);
}

/** Has a machine that does not run go on from what was saved, when it is started next. */
export async function restoreStopped(
  lock: VmLock,
  saved: SavedMachine,
  { index, host, signal }: Means & { signal: AbortSignal },
): Promise<void> {
  const { goesOn, ...record } = lock.record;
  const files = new MachineFiles(index.folderOf(record.id));
  await using lease = await host.images.acquire(record.image.digest);
  // What an earlier one may have left undone comes first.
  await settleFiles(files, lock.record);
  if (goesOn !== undefined) await lock.write({ ...record, goesOn: { ...goesOn, staged: false } });
  await stageFiles(files, saved, record, { image: lease.image, signal });
  await lock.write(withStaged(record, saved));
}
