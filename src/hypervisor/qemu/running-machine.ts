/**
 * One machine that runs in QEMU, with its network and its guest, on what is kept of it in its folder.
 *
 *   start ──▶ resumed from a snapshot of its image, or about to boot ──▶ guest in contact ──▶ gone
 *
 * *Owns* QEMU, network, session and sockets, and the lease on the image; the folder outlives it.
 */
import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { orAborted, orTimeout } from "../../base/abort.ts";
import { messageOf } from "../../base/errors.ts";
import { Scope } from "../../base/scope.ts";
import { formatDuration } from "../../base/units.ts";
import { networkPolicyOf } from "../../feature/network/request.ts";
import { TaskNetwork } from "../../feature/network/task-network.ts";
import type { VmRecord } from "../../generated/vm-record.ts";
import { GuestSession } from "../../guest/guest-session.ts";
import { createMetadataService } from "../../guest/metadata-service.ts";
import { createUpgradeListener } from "../../guest/upgrade-listener.ts";
import { WakeLine } from "../../guest/wake.ts";
import { ignoreMissing } from "../../host/durable-file.ts";
import type { ImageLease } from "../../image/store/image-lease.ts";
import type { Snapshot } from "../../image/store/snapshots.ts";
import type { GuestNetwork } from "../../network/guest-network.ts";
import { patienceFor, prepareCloudInit } from "../../sandbox/cloud-init.ts";
import { GuestGoneError } from "../../sandbox/errors.ts";
import { dropSnapshot, obtainSnapshot, type WarmStartOptions } from "../../sandbox/warm-start.ts";
import { OwnDisk } from "../../snapshot/own-disk.ts";
import type { SavableMachine } from "../../snapshot/save-machine.ts";
import type { Accelerator } from "../../vm/arguments.ts";
import type { Cdrom } from "../../vm/cdroms.ts";
import { chooseDiskSlots, diskSerial } from "../../vm/data-disks.ts";
import type { ResolvedMachine } from "../../vm/limits.ts";
import { mtuOf } from "../../vm/network-mtu.ts";
import { VirtualMachine } from "../../vm/virtual-machine.ts";
import { ConsoleHub } from "../console-hub.ts";
import { VmError } from "../errors.ts";
import type { QemuHost } from "./host.ts";
import { MachineFiles } from "./machine-files.ts";
import { hostFolders, nowhere } from "./means.ts";
import { diskOf, resolvedMachine } from "./plan.ts";

export interface RunningMachineOptions {
  readonly record: VmRecord;
  /** The machine's own; absolute. */
  readonly folder: string;
  readonly host: QemuHost;
  readonly note: (text: string) => void;
  readonly signal: AbortSignal;
}

interface Parts {
  savable: SavableMachine;
  vm: VirtualMachine;
  guest: GuestSession;
  network: GuestNetwork;
  accelerator: Accelerator;
  resumed: boolean;
  patienceMs: number;
}

export class RunningMachine implements AsyncDisposable {
  readonly vm: VirtualMachine;
  readonly guest: GuestSession;
  readonly network: GuestNetwork;
  readonly accelerator: Accelerator;
  /** From a snapshot of its image; else it boots. */
  readonly resumed: boolean;
  readonly console: ConsoleHub;
  /** What saving it needs. */
  readonly savable: SavableMachine;
  /** How long its guest may take to call home. */
  readonly patienceMs: number;

  private constructor({ savable, vm, guest, network, accelerator, resumed, patienceMs }: Parts) {
    this.savable = savable;
    this.vm = vm;
    this.guest = guest;
    this.network = network;
    this.accelerator = accelerator;
    this.resumed = resumed;
    this.patienceMs = patienceMs;
    this.console = new ConsoleHub(vm.console);
  }

  /**
   * When this resolves its guest is about to boot, or goes on where it was captured.
   *
   * @throws what {@link VirtualMachine.start} throws; `signal.reason`. Nothing is left then but the folder.
   */
  static async start(options: RunningMachineOptions): Promise<RunningMachine> {
    const { record, folder, host, note, signal } = options;
    await using scope = new Scope();
    const lease = scope.use(await host.images.acquire(record.image.digest));
    const networks = await host.openNetworks();
    const accelerator = await host.chooseAccelerator(signal, note);
    const files = new MachineFiles(folder);
    const isFirst = record.starts === 0;
    const userData = isFirst ? await files.tryReadUserData() : undefined;
    if (!isFirst) await files.forgetUserData();
    const machine = resolvedMachine(record, userData);
    const cdroms: Cdrom[] = (record.cdroms ?? []).map((file) => ({ file, drive: "board" }));
    const diskSlots = chooseDiskSlots(machine, record.disks.length, cdroms);
    const { config } = host;
    const bootTimeoutMs = patienceFor(machine, config.limits.bootTimeoutMs);
    const warm: WarmStartOptions = {
      ...{ image: lease, machine, accelerator, networks, diskSlots, cdroms, bootTimeoutMs, note, signal },
      ...{ qemuBinary: config.qemu.binary, agentFile: host.agentFile, ...hostFolders(config) },
    };
    const mayResume = isFirst && record.cold !== true && record.directBoot === undefined;
    const snapshot = mayResume ? await obtainSnapshot(warm) : undefined;
    const parts = { ...options, lease, warm, files, machine, cdroms, isFirst };
    let started: RunningMachine | undefined;
    if (snapshot !== undefined) {
      try {
        started = await RunningMachine.#begin(parts, snapshot);
      } catch (error) {
        signal.throwIfAborted();
        await dropSnapshot(snapshot, messageOf(error), warm);
        await files.beginAnew(lease, undefined, signal);
      }
    }
    started ??= await RunningMachine.#begin(parts, undefined);
    const held = scope.move();
    void started.vm.done.then(() => held[Symbol.asyncDispose]());
    return started;
  }

  static async #begin(parts: StartParts, snapshot: Snapshot | undefined): Promise<RunningMachine> {
    const { record, host, note, signal, warm, files, machine, lease, isFirst } = parts;
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
    resources.defer(() => rm(files.memory, { force: true }));
    const { network, egress } = resources.use(await warm.networks.open({ mac: machine.mac, mtu: mtuOf(machine) }));
    log.attach(network);
    egress.connect(log);
    const cloudInit = await prepareCloudInit(
      {
        machine: isFirst || machine.cloudInit?.source !== "disk" ? machine : { ...machine, cloudInit: undefined },
        agentFile: host.agentFile,
        hostname: record.identity.hostname,
        instanceId: `i-${record.identity.machineId}`,
      },
      run,
      signal,
    );
    if (snapshot !== undefined) await files.beginAnew(lease, snapshot, signal);
    const disk = await OwnDisk.open(files.folder);
    const vm = await VirtualMachine.start({
      ...{ qemuBinary: config.qemu.binary, accelerator: warm.accelerator, machine, network, signal },
      disk: diskOf(record, disk.file, lease),
      diskSlots: warm.diskSlots,
      cdroms: [...parts.cdroms, ...(cloudInit?.cdroms ?? [])],
      memory: {
        ...{ kind: "own", memoryFile: files.memory },
        ...(snapshot === undefined ? {} : { stateFile: snapshot.files.state }),
      },
      runDirectory: run,
      cacheDirectory: warm.cacheDirectory,
      resources: resources.move(),
    });
    scope.use(vm);
    await rename(files.console, `${files.console}.1`).catch(ignoreMissing);
    vm.console.recordTo(files.console);
    const guest = scope.use(new GuestSession({ log: nowhere() }));
    network.setHandler(createMetadataService(guest, { agentFile: host.agentFile, cloudInit: cloudInit?.source }));
    network.setUpgradeHandler(createUpgradeListener(guest));
    void network.closed.then((error) => {
      if (error !== undefined) vm.kill();
    });
    void vm.ending.then(async () => guest.close(new GuestGoneError(await vm.done)));
    const wakeLine = new WakeLine(vm.wakePort);
    if (snapshot === undefined) void wakeLine.parked.then(() => wakeLine.wake(record.identity));
    if (policy.kind !== "isolated") await network.setPolicy(policy);
    for (const [slot, disk] of record.disks.entries()) await vm.insertDisk(slot, files.dataDisk(disk));
    const dataDisks = new Map(record.disks.map((each, slot) => [slot, files.dataDisk(each)] as const));
    const savable = { vm, disk, memoryFile: files.memory, dataDisks, cdroms: parts.cdroms };
    const machineParts = {
      savable,
      vm,
      guest,
      network,
      accelerator: warm.accelerator,
      resumed: snapshot !== undefined,
    };
    const running = new RunningMachine({ ...machineParts, patienceMs: warm.bootTimeoutMs });
    if (snapshot !== undefined) {
      await vm.resume();
      wakeLine.wake(record.identity);
      await running.waitForGuest(signal, RESUME_TIMEOUT_MS);
      await lease.snapshots.noteUse(snapshot).catch(() => {});
    }
    const held = scope.move();
    void vm.done.then(() => held[Symbol.asyncDispose]());
    return running;
  }

  /** @throws {VmError} `vm-silent`; {@link GuestGoneError}; `signal.reason` */
  async waitForGuest(signal: AbortSignal, timeoutMs = this.patienceMs): Promise<void> {
    const silent = () =>
      new VmError(
        "vm-silent",
        `the guest has not called home within ${formatDuration(timeoutMs)}; is an agent in its image? "boxcar vm console" shows what it does`,
        { blame: "image" },
      );
    await orAborted(orTimeout(this.guest.firstContact, timeoutMs, silent), signal);
  }

  /** Has the guest mount the disks that are to be somewhere. Its agent must be in contact. */
  async mountDisks(record: VmRecord, files: MachineFiles, signal: AbortSignal): Promise<void> {
    const mounted = [...record.disks.entries()].filter(([, { mount }]) => mount !== undefined);
    // One below another comes after it, or it would be hidden.
    for (const [slot, disk] of mounted.sort(([, a], [, b]) => (a.mount ?? "").length - (b.mount ?? "").length)) {
      const { sizeBytes } = files.dataDisk(disk);
      await this.guest.mount(
        { serial: diskSerial(slot), sizeBytes, path: disk.mount ?? "", owner: "root" },
        { signal },
      );
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.vm[Symbol.asyncDispose]();
    await this.guest[Symbol.asyncDispose]();
  }
}

/** A resumed guest is there within a fraction of a second; one that is not never will be. */
const RESUME_TIMEOUT_MS = 20_000;

interface StartParts extends RunningMachineOptions {
  lease: ImageLease;
  warm: WarmStartOptions;
  files: MachineFiles;
  machine: ResolvedMachine;
  cdroms: readonly Cdrom[];
  isFirst: boolean;
}
