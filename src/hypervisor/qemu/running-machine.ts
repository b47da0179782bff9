/**
 * One machine that runs in QEMU, with its network and its guest, on what is kept of it in its folder.
 *
 *   start ──▶ resumed from a snapshot of its image, or about to boot ──▶ guest in contact ──▶ gone
 *         └─▶ goes on where it was saved ──────────────────────────────────────┘
 *
 * *Owns* QEMU, network, session and sockets, and the lease on the image; the folder outlives it.
 */
import { messageOf } from "../../base/errors.ts";
import { Scope } from "../../base/scope.ts";
import type { VmRecord } from "../../generated/vm-record.ts";
import type { GuestSession } from "../../guest/guest-session.ts";
import type { Image } from "../../image/store/image.ts";
import type { Snapshot } from "../../image/store/snapshots.ts";
import type { GuestNetwork } from "../../network/guest-network.ts";
import { patienceFor } from "../../sandbox/cloud-init.ts";
import { dropSnapshot, obtainSnapshot, type WarmStartOptions } from "../../sandbox/warm-start.ts";
import type { SavableMachine } from "../../snapshot/save-machine.ts";
import type { Accelerator } from "../../vm/arguments.ts";
import type { Cdrom } from "../../vm/cdroms.ts";
import { chooseDiskSlots, diskSerial } from "../../vm/data-disks.ts";
import type { VirtualMachine } from "../../vm/virtual-machine.ts";
import { ConsoleHub } from "../console-hub.ts";
import { moveOf } from "../going-on.ts";
import { type BeginOptions, type BegunMachine, beginMachine, type VmBeginning } from "./begin-machine.ts";
import { doesNotGoOn } from "./boot-cold.ts";
import { untilContact } from "./guest-contact.ts";
import type { QemuHost } from "./host.ts";
import { requireHostFiles } from "./host-files.ts";
import { MachineFiles } from "./machine-files.ts";
import { hostFolders } from "./means.ts";
import { hardwareOf } from "./plan.ts";
import { settleFiles } from "./saved-files.ts";

export interface RunningMachineOptions {
  readonly record: VmRecord;
  /** The machine's own; absolute. */
  readonly folder: string;
  readonly host: QemuHost;
  readonly note: (text: string) => void;
  /** It is about to go on from what was saved: from then on nothing else does. */
  readonly onGoesOn: () => Promise<void>;
  readonly signal: AbortSignal;
}

export class RunningMachine implements AsyncDisposable {
  readonly vm: VirtualMachine;
  readonly guest: GuestSession;
  readonly network: GuestNetwork;
  readonly accelerator: Accelerator;
  /** How many places for further disks it has. */
  readonly diskSlots: number;
  /** It boots, was resumed from a snapshot of its image, or goes on where it was saved. */
  readonly beginning: VmBeginning["kind"];
  readonly console: ConsoleHub;
  /** What saving it needs. */
  readonly savable: SavableMachine;
  /** CDs that it has at this start only: the last of those in `savable`. */
  readonly onceCdroms: number;
  /** How long its guest may take to call home. */
  readonly patienceMs: number;

  /** What its disk lies on. */
  readonly image: Image;

  private constructor(
    begun: BegunMachine,
    { accelerator, diskSlots = 0, bootTimeoutMs, image }: WarmStartOptions,
    beginning: VmBeginning,
  ) {
    this.image = image.image;
    this.savable = begun.savable;
    this.onceCdroms = begun.onceCdroms;
    this.vm = begun.vm;
    this.guest = begun.guest;
    this.network = begun.network;
    this.accelerator = accelerator;
    this.diskSlots = diskSlots;
    this.beginning = beginning.kind;
    this.patienceMs = bootTimeoutMs;
    this.console = new ConsoleHub(begun.vm.console);
  }

  /**
   * When this resolves its guest is about to boot, or goes on where it was captured.
   *
   * @throws what {@link VirtualMachine.start} throws; `signal.reason`. Nothing is left then but the folder.
   */
  static async start(options: RunningMachineOptions): Promise<RunningMachine> {
    const { record, folder, host, note, signal } = options;
    await requireHostFiles(record);
    await using scope = new Scope();
    const lease = scope.use(await host.images.acquire(record.image.digest));
    const networks = await host.openNetworks();
    const accelerator = await host.chooseAccelerator(signal, note);
    const files = new MachineFiles(folder);
    await settleFiles(files, record);
    // A copy has a disk of its own from the beginning, however little became of its first start.
    const isFirst = record.starts === 0 && record.from === undefined;
    const userData = isFirst ? await files.tryReadUserData() : undefined;
    if (!isFirst) await files.forgetUserData();
    const machine = hardwareOf(record, userData);
    const cdroms: Cdrom[] = (record.cdroms ?? []).map((file) => ({ file, drive: "board" }));
    const diskSlots = record.diskSlots ?? chooseDiskSlots(machine, record.disks.length, cdroms);
    const { config } = host;
    const bootTimeoutMs = patienceFor(machine, config.limits.bootTimeoutMs);
    const warm: WarmStartOptions = {
      ...{ image: lease, machine, accelerator, networks, diskSlots, cdroms, bootTimeoutMs, note, signal },
      ...{ qemuBinary: config.qemu.binary, agentFile: host.agentFile, ...hostFolders(config) },
    };
    const parts: BeginOptions = { ...options, lease, warm, files, machine, cdroms, isFirst };
    const { begun, beginning } = await begin(parts);
    const started = new RunningMachine(begun, warm, beginning);
    const held = scope.move();
    void started.vm.done.then(() => held[Symbol.asyncDispose]());
    return started;
  }

  /** @throws {VmError} `vm-silent`; {@link GuestGoneError}; `signal.reason` */
  async waitForGuest(signal: AbortSignal, timeoutMs = this.patienceMs): Promise<void> {
    await untilContact(this.guest, timeoutMs, signal);
  }

  /**
   * Has the guest mount the disks that are to be somewhere, when it is in contact; those of what goes on are.
   *
   * @throws as {@link waitForGuest}; what the guest says
   */
  async mountDisks(record: VmRecord, files: MachineFiles, signal: AbortSignal): Promise<void> {
    const mounted = [...record.disks.entries()].filter(([, { mount }]) => mount !== undefined);
    if (this.beginning === "move" || mounted.length === 0) return;
    await this.waitForGuest(signal);
    // One below another comes after it, or it would be hidden.
    for (const [index, disk] of mounted.sort(([, a], [, b]) => (a.mount ?? "").length - (b.mount ?? "").length)) {
      const { sizeBytes } = files.dataDisk(disk);
      await this.guest.mount(
        { serial: diskSerial(disk.slot ?? index), sizeBytes, path: disk.mount ?? "", owner: "root" },
        { signal },
      );
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.vm[Symbol.asyncDispose]();
    await this.guest[Symbol.asyncDispose]();
  }
}

/** One that cannot be captured, as where no agent is in the image, is one of its own all the same: it boots. */
async function tryObtainSnapshot(warm: WarmStartOptions): Promise<Snapshot | undefined> {
  try {
    return await obtainSnapshot(warm);
  } catch (error) {
    warm.signal.throwIfAborted();
    warm.note(`warning: it boots, because it could not be captured: ${messageOf(error)}; --cold does not try that`);
    return undefined;
  }
}

/** Where it was saved, else from a snapshot of its image, else by booting. */
async function begin(parts: BeginOptions): Promise<{ begun: BegunMachine; beginning: VmBeginning }> {
  const { record, warm, files, lease, isFirst, signal } = parts;
  const { goesOn } = record;
  if (goesOn !== undefined) {
    const beginning: VmBeginning = { kind: "move", goesOn, move: moveOf(goesOn) };
    try {
      return { begun: await beginMachine(parts, beginning), beginning };
    } catch (error) {
      signal.throwIfAborted();
      throw doesNotGoOn(error, record);
    }
  }
  const mayResume = isFirst && record.cold !== true && record.directBoot === undefined;
  const snapshot = mayResume ? await tryObtainSnapshot(warm) : undefined;
  if (snapshot !== undefined) {
    try {
      const beginning: VmBeginning = { kind: "resume", snapshot };
      return { begun: await beginMachine(parts, beginning), beginning };
    } catch (error) {
      signal.throwIfAborted();
      await dropSnapshot(snapshot, messageOf(error), warm);
      await files.beginAnew(lease, undefined, signal);
    }
  }
  const beginning: VmBeginning = { kind: "boot" };
  return { begun: await beginMachine(parts, beginning), beginning };
}
