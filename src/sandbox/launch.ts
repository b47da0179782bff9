/** Starts one machine with all that is its own: folders, disk, network. */
import { Scope } from "../base/scope.ts";
import { WakeLine } from "../guest/wake.ts";
import { OwnedDirectory } from "../host/owned-directory.ts";
import type { ImageLease } from "../image/store/image-lease.ts";
import type { Snapshot, SnapshotDraft } from "../image/store/snapshots.ts";
import type { GuestNetwork } from "../network/guest-network.ts";
import type { Accelerator } from "../vm/arguments.ts";
import type { Cdrom } from "../vm/cdroms.ts";
import { mtuOf } from "../vm/network-mtu.ts";
import type { MachineMemory } from "../vm/ports.ts";
import { VirtualMachine } from "../vm/virtual-machine.ts";
import { type CloudInitOptions, type MachineCloudInit, prepareCloudInit } from "./cloud-init.ts";
import type { EgressTap } from "./egress-tap.ts";
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
  signal: AbortSignal;
}

/** How a machine begins: it boots, boots to be captured, or goes on where a captured one was. */
export type Beginning =
  | { readonly kind: "boot" }
  | { readonly kind: "capture"; readonly draft: SnapshotDraft }
  | { readonly kind: "resume"; readonly snapshot: Snapshot };

export interface LaunchedMachine {
  /** Owns everything else of the machine. Paused if it was resumed, else running. */
  readonly vm: VirtualMachine;
  /** Isolated until it is told otherwise. */
  readonly network: GuestNetwork;
  readonly egress: EgressTap;
  readonly wakeLine: WakeLine;
  /** What its cloud-init is to be answered. */
  readonly cloudInit: MachineCloudInit["source"] | undefined;
}

/** Nobody answers the machine's requests until `network.setHandler` says who. */
export async function launch(options: LaunchOptions, beginning: Beginning): Promise<LaunchedMachine> {
  const { image, machine, qemuBinary, accelerator, signal } = options;
  await using scope = new Scope();
  const state = scope.use(await OwnedDirectory.create(options.stateParent));
  const run = scope.use(await OwnedDirectory.create(options.runParent));
  const disk =
    beginning.kind === "capture"
      ? await image.createOverlay(beginning.draft.directory)
      : await image.createOverlay(state.path, beginning.kind === "resume" ? beginning.snapshot : undefined);
  const { network, egress } = scope.use(await options.networks.open({ mac: machine.mac, mtu: mtuOf(machine) }));
  const cloudInit = await prepareCloudInit(options, state.path, signal);
  const vm = await VirtualMachine.start({
    qemuBinary,
    accelerator,
    machine,
    disk,
    diskSlots: options.diskSlots,
    cdroms: [...(options.cdroms ?? []), ...(cloudInit?.cdroms ?? [])],
    network,
    memory: memoryOf(beginning),
    runDirectory: run.path,
    cacheDirectory: options.cacheDirectory,
    resources: scope.move(),
    signal,
  });
  // A guest whose network is gone can neither be heard nor stopped.
  void network.closed.then((error) => {
    if (error !== undefined) vm.kill();
  });
  return { vm, network, egress, wakeLine: new WakeLine(vm.wakePort), cloudInit: cloudInit?.source };
}

function memoryOf(beginning: Beginning): MachineMemory {
  switch (beginning.kind) {
    case "boot":
      return { kind: "anonymous" };
    case "capture":
      return { kind: "shared", memoryFile: beginning.draft.files.memory };
    case "resume": {
      const { memory, state } = beginning.snapshot.files;
      return { kind: "resumed", memoryFile: memory, stateFile: state };
    }
  }
}
