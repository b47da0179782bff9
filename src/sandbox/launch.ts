/** Starts one machine with all that is its own: folders, disk, network. */
import { Scope } from "../base/scope.ts";
import { WakeLine } from "../guest/wake.ts";
import { OwnedDirectory } from "../host/owned-directory.ts";
import type { ImageLease } from "../image/store/image-lease.ts";
import type { GuestNetwork } from "../network/guest-network.ts";
import type { SavableMachine } from "../snapshot/save-machine.ts";
import type { Accelerator } from "../vm/arguments.ts";
import type { Cdrom } from "../vm/cdroms.ts";
import { mtuOf } from "../vm/network-mtu.ts";
import { VirtualMachine } from "../vm/virtual-machine.ts";
import type { Beginning } from "./beginning.ts";
import { answerCloudInit, type CloudInitOptions, type MachineCloudInit, prepareCloudInit } from "./cloud-init.ts";
import type { EgressTap } from "./egress-tap.ts";
import { type PreparedFiles, prepareFiles } from "./machine-files.ts";
import type { MachineNetwork, NetworkCard } from "./machine-networks.ts";

export interface LaunchOptions extends CloudInitOptions {
  image: ImageLease;
  qemuBinary: string;
  accelerator: Accelerator;
  /** Makes the network of a machine; MachineNetworks is one. */
  networks: { open(card: NetworkCard): Promise<MachineNetwork> };
  /** Parents of the machine's own folders: a short one for sockets, a roomy one for the disk. */
  runParent: string;
  stateParent: string;
  /** Where it is kept what QEMU can do; absolute. */
  cacheDirectory: string;
  /** Places for disks, as chooseDiskSlots has it; default none. */
  diskSlots?: number | undefined;
  /** Read-only; they belong to the caller and outlive the machine. Default: none. */
  cdroms?: readonly Cdrom[] | undefined;
  /** Absolute path of an empty folder for all that a savable machine writes to. Default: one that goes with it. */
  ownDirectory?: string | undefined;
  /** See {@link VirtualMachine}. */
  onPanic?: ((vm: VirtualMachine) => Promise<unknown>) | undefined;
  signal: AbortSignal;
}

export interface LaunchedMachine {
  /** Owns everything else of the machine. Paused if it was resumed, else running. */
  readonly vm: VirtualMachine;
  /** Isolated until it is told otherwise. */
  readonly network: GuestNetwork;
  readonly egress: EgressTap;
  readonly wakeLine: WakeLine;
  /** What its cloud-init is to be answered. */
  readonly cloudInit: MachineCloudInit["source"] | undefined;
  /** For {@link saveMachine}; undefined: it cannot be saved. */
  readonly savable: SavableMachine | undefined;
}

/** Nobody answers the machine's requests until `network.setHandler` says who. */
export async function launch(options: LaunchOptions, beginning: Beginning): Promise<LaunchedMachine> {
  const { image, qemuBinary, accelerator, signal } = options;
  await using scope = new Scope();
  const state = scope.use(await OwnedDirectory.create(options.stateParent));
  const run = scope.use(await OwnedDirectory.create(options.runParent));
  const files = await prepareFiles(image, beginning, state.path, options);
  const { machine = options.machine, savable, dataDisks } = files;
  const { network, egress } = scope.use(await options.networks.open({ mac: machine.mac, mtu: mtuOf(machine) }));
  const { cloudInit, cdroms } = await readOnlyDisks(options, files, state.path);
  const vm = await VirtualMachine.start({
    qemuBinary,
    accelerator,
    machine,
    disk: files.disk,
    diskSlots: files.diskSlots ?? options.diskSlots,
    dataDisks,
    cdroms,
    network,
    memory: files.memory,
    runDirectory: run.path,
    cacheDirectory: options.cacheDirectory,
    onPanic: options.onPanic,
    resources: scope.move(),
    signal,
  });
  // A guest whose network is gone can neither be heard nor stopped.
  void network.closed.then((error) => {
    if (error !== undefined) vm.kill();
  });
  return {
    ...{ vm, network, egress, wakeLine: new WakeLine(vm.wakePort) },
    cloudInit,
    savable: savable && new LaunchedSavable(vm, savable, cdroms),
  };
}

class LaunchedSavable implements SavableMachine {
  readonly vm: VirtualMachine;
  readonly disk: SavableMachine["disk"];
  readonly memoryFile: string;
  readonly cdroms: readonly Cdrom[];

  constructor(
    vm: VirtualMachine,
    { disk, memoryFile }: Pick<SavableMachine, "disk" | "memoryFile">,
    cdroms: readonly Cdrom[],
  ) {
    this.vm = vm;
    this.disk = disk;
    this.memoryFile = memoryFile;
    this.cdroms = cdroms;
  }

  /** They come and go. */
  get dataDisks(): SavableMachine["dataDisks"] {
    return this.vm.dataDisks;
  }
}

async function readOnlyDisks(
  options: LaunchOptions,
  { machine, cdroms }: Pick<PreparedFiles, "machine" | "cdroms">,
  directory: string,
): Promise<{ cdroms: readonly Cdrom[]; cloudInit: LaunchedMachine["cloudInit"] }> {
  if (machine !== undefined && cdroms !== undefined) {
    return { cdroms, cloudInit: await answerCloudInit({ ...options, machine }) };
  }
  const prepared = await prepareCloudInit(options, directory, options.signal);
  return { cdroms: [...(options.cdroms ?? []), ...(prepared?.cdroms ?? [])], cloudInit: prepared?.source };
}
