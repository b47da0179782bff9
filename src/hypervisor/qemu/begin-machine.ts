/** Starts QEMU for a machine, with network, guest session and wake line, in one of the ways in which it may begin. */
import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { Scope } from "../../base/scope.ts";
import { networkPolicyOf } from "../../feature/network/request.ts";
import { TaskNetwork } from "../../feature/network/task-network.ts";
import type { VmRecord } from "../../generated/vm-record.ts";
import type { GuestMove } from "../../guest/guest-move.ts";
import { GuestSession } from "../../guest/guest-session.ts";
import { createMetadataService } from "../../guest/metadata-service.ts";
import { createUpgradeListener } from "../../guest/upgrade-listener.ts";
import { WakeLine } from "../../guest/wake.ts";
import { ignoreMissing } from "../../host/durable-file.ts";
import type { ImageLease } from "../../image/store/image-lease.ts";
import type { Snapshot } from "../../image/store/snapshots.ts";
import type { GuestNetwork } from "../../network/guest-network.ts";
import { type MachineCloudInit, prepareCloudInit } from "../../sandbox/cloud-init.ts";
import { GuestGoneError } from "../../sandbox/errors.ts";
import type { WarmStartOptions } from "../../sandbox/warm-start.ts";
import { OwnDisk } from "../../snapshot/own-disk.ts";
import type { SavableMachine } from "../../snapshot/save-machine.ts";
import type { Cdrom } from "../../vm/cdroms.ts";
import type { ResolvedMachine } from "../../vm/limits.ts";
import { mtuOf } from "../../vm/network-mtu.ts";
import { VirtualMachine } from "../../vm/virtual-machine.ts";
import type { GoesOn } from "../going-on.ts";
import { untilContact } from "./guest-contact.ts";
import type { QemuHost } from "./host.ts";
import type { MachineFiles } from "./machine-files.ts";
import { nowhere } from "./means.ts";
import { diskOf } from "./plan.ts";

/**
 * `resume`: as a machine of its image was that had booted; only at its first start. `move`: where it was saved, or
 * another one it is a copy of.
 */
export type VmBeginning =
  | { readonly kind: "boot" }
  | { readonly kind: "resume"; readonly snapshot: Snapshot }
  | { readonly kind: "move"; readonly goesOn: GoesOn; readonly move: GuestMove };

export interface BeginOptions {
  readonly record: VmRecord;
  readonly host: QemuHost;
  readonly note: (text: string) => void;
  /** It is about to go on from what was saved, whose memory it changes from then on. */
  readonly onGoesOn: () => Promise<void>;
  readonly signal: AbortSignal;
  readonly lease: ImageLease;
  readonly warm: WarmStartOptions;
  readonly files: MachineFiles;
  readonly machine: ResolvedMachine;
  readonly cdroms: readonly Cdrom[];
  readonly isFirst: boolean;
}

export interface BegunMachine {
  readonly savable: SavableMachine;
  /** CDs that it has at this start only: the last of those in `savable`. */
  readonly onceCdroms: number;
  readonly vm: VirtualMachine;
  readonly guest: GuestSession;
  readonly network: GuestNetwork;
}

/** A resumed guest is there within a fraction of a second; one that is not never will be. */
const RESUME_TIMEOUT_MS = 20_000;

/** When this resolves it runs. @throws what {@link VirtualMachine.start} throws; `signal.reason` */
export async function beginMachine(options: BeginOptions, beginning: VmBeginning): Promise<BegunMachine> {
  const { record, host, note, signal, warm, files, machine, lease } = options;
  const { config } = host;
  await using scope = new Scope();
  const policy = networkPolicyOf(record.network);
  const log = scope.use(
    await TaskNetwork.open({
      ...{ file: files.networkLog, policy, bounds: config.network.policy, note },
      mask: (text) => text,
    }),
  );
  const run = join(record.runDirectory, "q");
  await rm(run, { recursive: true, force: true });
  await mkdir(run, { recursive: true, mode: 0o700 });
  await using resources = new Scope();
  // Memory that nobody has changed is still good for another start.
  let isMemoryUsed = beginning.kind !== "move";
  resources.defer(async () => {
    if (isMemoryUsed) await rm(files.memory, { force: true });
  });
  const { network, egress } = resources.use(await warm.networks.open({ mac: machine.mac, mtu: mtuOf(machine) }));
  log.attach(network);
  egress.connect(log);
  const cloudInit = await cloudInitOf(options, beginning, run);
  if (beginning.kind === "boot") await rm(files.memory, { force: true });
  if (beginning.kind === "resume") await files.beginAnew(lease, beginning.snapshot, signal);
  const disk = await OwnDisk.open(files.folder);
  const cdroms = [...cdromsOf(options, beginning), ...(cloudInit?.cdroms ?? [])];
  const dataDisks = files.dataDisks(record);
  const vm = await VirtualMachine.start({
    ...{ qemuBinary: config.qemu.binary, accelerator: warm.accelerator, machine, network, signal, cdroms },
    disk: diskOf(record, disk.file, lease),
    diskSlots: warm.diskSlots,
    memory: { kind: "own", memoryFile: files.memory, stateFile: stateFileOf(beginning, files) },
    ...(beginning.kind === "move" ? { dataDisks } : {}),
    runDirectory: run,
    cacheDirectory: warm.cacheDirectory,
    resources: resources.move(),
  });
  scope.use(vm);
  await rename(files.console, `${files.console}.1`).catch(ignoreMissing);
  vm.console.recordTo(files.console);
  const guest = scope.use(
    new GuestSession({ log: nowhere(), move: beginning.kind === "move" ? beginning.move : undefined }),
  );
  network.setHandler(createMetadataService(guest, { agentFile: host.agentFile, cloudInit: cloudInit?.source }));
  network.setUpgradeHandler(createUpgradeListener(guest));
  void network.closed.then((error) => {
    if (error !== undefined) vm.kill();
  });
  void vm.ending.then(async () => guest.close(new GuestGoneError(await vm.done)));
  const wakeLine = new WakeLine(vm.wakePort);
  if (beginning.kind === "boot") void wakeLine.parked.then(() => wakeLine.wake(record.identity));
  if (policy.kind !== "isolated") await network.setPolicy(policy);
  if (beginning.kind !== "move") for (const [slot, each] of dataDisks) await vm.insertDisk(slot, each);
  switch (beginning.kind) {
    case "boot":
      break;
    case "resume":
      await vm.resume();
      wakeLine.wake(record.identity);
      await untilContact(guest, RESUME_TIMEOUT_MS, signal);
      await lease.snapshots.noteUse(beginning.snapshot).catch(() => {});
      break;
    case "move":
      await options.onGoesOn();
      isMemoryUsed = true;
      await vm.resume();
      // A copy is told who it is; what goes back to what it was has its ids and keys.
      wakeLine.move(beginning.move, record.from?.vm?.id === record.id ? {} : record.identity);
      await rm(files.state, { force: true });
  }
  const held = scope.move();
  void vm.done.then(() => held[Symbol.asyncDispose]());
  const onceCdroms = Math.max(0, cdroms.length - (record.cdroms?.length ?? 0));
  const savable = { vm, disk, memoryFile: files.memory, dataDisks, cdroms };
  return { savable, onceCdroms, vm, guest, network };
}

/** One that goes on has read its CD long ago. */
async function cloudInitOf(
  { record, host, machine, isFirst, signal }: BeginOptions,
  { kind }: VmBeginning,
  run: string,
): Promise<MachineCloudInit | undefined> {
  const hasCd = isFirst && kind !== "move";
  const told = hasCd || machine.cloudInit?.source !== "disk" ? machine : { ...machine, cloudInit: undefined };
  const { hostname, machineId } = record.identity;
  return await prepareCloudInit(
    { machine: told, agentFile: host.agentFile, hostname, instanceId: `i-${machineId}` },
    run,
    signal,
  );
}

function cdromsOf({ cdroms, files }: BeginOptions, beginning: VmBeginning): readonly Cdrom[] {
  if (beginning.kind !== "move") return cdroms;
  return beginning.goesOn.cdroms.map((drive, index) => ({ drive, file: files.cdrom(index) }));
}

function stateFileOf(beginning: VmBeginning, files: MachineFiles): string | undefined {
  switch (beginning.kind) {
    case "boot":
      return undefined;
    case "resume":
      return beginning.snapshot.files.state;
    case "move":
      return files.state;
  }
}
