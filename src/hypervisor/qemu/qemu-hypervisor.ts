/**
 * Machines in QEMU, each with a supervisor process of its own: see supervisor/supervised-vm.ts.
 *
 * *Borrows* what the host has; whoever calls may die at any time.
 */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { InvalidInputError } from "../../base/errors.ts";
import { networkIssues } from "../../feature/network/request.ts";
import type { VmRecord } from "../../generated/vm-record.ts";
import { isAlive } from "../../host/owner.ts";
import { requirePrivate } from "../../host/private-directory.ts";
import type { ImageLease } from "../../image/store/image-lease.ts";
import type { SavedMachine } from "../../snapshot/saved-machine.ts";
import { chooseDiskSlots } from "../../vm/data-disks.ts";
import { type ResolvedMachine, resolveMachine } from "../../vm/limits.ts";
import type { CloneOptions, Direct, RestoreOptions, WantedRoom } from "../direct.ts";
import { VmError } from "../errors.ts";
import type {
  CreateOptions,
  Hypervisor,
  LiveVm,
  ReclaimedVm,
  SavedVm,
  SaveVmOptions,
  StartOptions,
  StopVmOptions,
  VmEvent,
  VmView,
} from "../hypervisor.ts";
import { VmIndex } from "../index-store.ts";
import { makeWithinLimits, requireRoom, startWithinLimits } from "../limits.ts";
import { SupervisorClient } from "../live-vm.ts";
import { called, resolveRef } from "../refs.ts";
import { buildRecord, type VmSpec } from "../spec.ts";
import { advanceRecord, apparentState, decide, isStale, type VmAction } from "../states.ts";
import { watchMachines } from "../watch.ts";
import { bootNext } from "./boot-cold.ts";
import { endSupervisor, secondsOf, untilStarted } from "./end-supervisor.ts";
import type { QemuHost } from "./host.ts";
import { MachineFiles } from "./machine-files.ts";
import { describeCommand } from "./plan.ts";
import { makeClone, requireGoesOn, requireSameMachine, restoreStopped } from "./saved-machines.ts";
import { spawnSupervisor } from "./spawn-supervisor.ts";
import { tidyFolders } from "./tidy-folders.ts";

export interface QemuHypervisorOptions {
  readonly host: QemuHost;
  /** The command line that becomes the supervisor of a machine. */
  readonly supervisor: (id: string) => readonly [string, ...string[]];
}

const BACKEND = "qemu";

export class QemuHypervisor implements Hypervisor, Direct {
  readonly backend = BACKEND;
  readonly #options: QemuHypervisorOptions;
  readonly #index: VmIndex;

  private constructor(options: QemuHypervisorOptions, index: VmIndex) {
    this.#options = options;
    this.#index = index;
  }

  /** @throws {WorkerError} `directory-not-private` */
  static async open(options: QemuHypervisorOptions): Promise<QemuHypervisor> {
    const { config } = options.host;
    const index = await VmIndex.open(vmFolders(config).records);
    const { sockets } = vmFolders(config);
    await mkdir(sockets, { recursive: true, mode: 0o700 });
    await requirePrivate(sockets);
    return new QemuHypervisor(options, index);
  }

  get index(): VmIndex {
    return this.#index;
  }

  get #limited() {
    return { index: this.#index, vms: this.#options.host.config.vms };
  }

  async create(spec: VmSpec, { userData, signal }: CreateOptions): Promise<VmRecord> {
    const { host } = this.#options;
    await using image = await host.images.acquire(spec.image);
    const machine = this.#resolve(spec, image, userData);
    const lock = await makeWithinLimits({ ...this.#limited, signal }, 0, () =>
      this.#index.create((id) => this.#record(spec, { id, machine, image })),
    );
    try {
      const folder = this.#index.folderOf(lock.record.id);
      await host.images.pin(lock.record.image.digest, { key: `vm-${lock.record.id}`, path: folder });
      await new MachineFiles(folder).make(lock.record, { lease: image, userData, signal });
      await lock.write(advanceRecord(lock.record, "made", { now: new Date() }));
      return lock.record;
    } catch (error) {
      await lock.remove();
      throw error;
    } finally {
      await lock[Symbol.asyncDispose]();
    }
  }

  async plan(spec: VmSpec, signal: AbortSignal): Promise<readonly string[]> {
    const { host } = this.#options;
    await using image = await host.images.acquire(spec.image);
    const machine = this.#resolve(spec, image, undefined);
    const id = "0".repeat(12);
    const record = this.#record(spec, { id, machine, image });
    const accelerator = await host.chooseAccelerator(signal, () => {});
    const folder = this.#index.folderOf(id);
    return describeCommand(record, { folder, image, qemuBinary: host.config.qemu.binary, accelerator });
  }

  async start(ref: string, { note, wait, cold, signal }: StartOptions): Promise<VmRecord> {
    const { go, record } = await this.#decided(ref, "start");
    const prepare = cold === true ? () => bootNext(this.#index, record.id) : undefined;
    if (go) await this.#spawn(record, { note, signal, prepare });
    if (wait === true) await (await this.open(record.id)).waitForGuest(signal);
    return await this.#read(record.id);
  }

  async stop(ref: string, options: StopVmOptions): Promise<VmRecord> {
    const found = await this.inspect(ref);
    await untilStarted(this.#index, found.record, options.signal);
    const { go, record } = await this.#decided(found.record.id, "stop");
    if (go) await endSupervisor(this.#index, record, options);
    return await this.#read(record.id);
  }

  async restart(ref: string, options: StopVmOptions & StartOptions): Promise<VmRecord> {
    const { go, record } = await this.#decided(ref, "stop");
    if (!go) return await this.start(record.id, options);
    await new SupervisorClient(record).restart(secondsOf(options), options.signal);
    if (options.wait === true) await new SupervisorClient(record).waitForGuest(options.signal);
    return await this.#read(record.id);
  }

  async pause(ref: string, signal: AbortSignal): Promise<VmRecord> {
    const { go, record } = await this.#decided(ref, "pause");
    if (go) await new SupervisorClient(record).pause(signal);
    return await this.#read(record.id);
  }

  async resume(ref: string, signal: AbortSignal): Promise<VmRecord> {
    const { go, record } = await this.#decided(ref, "resume");
    if (go) await new SupervisorClient(record).resume(signal);
    return await this.#read(record.id);
  }

  async save(ref: string, options: SaveVmOptions): Promise<SavedVm> {
    const { record } = await this.#decided(ref, "capture");
    return await new SupervisorClient(record).save(options);
  }

  async requireRoom(wanted: WantedRoom): Promise<void> {
    await requireRoom(this.#limited, wanted);
  }

  async cloneFrom(saved: SavedMachine, options: CloneOptions): Promise<VmRecord> {
    const { host } = this.#options;
    const means = { index: this.#index, host, backend: BACKEND, runParent: vmFolders(host.config).sockets };
    // Where it could not be started, GiBs would be copied for nothing.
    await this.requireRoom({ count: 1, memoryMiB: saved.record.machine.memory ?? 0, copiedBytes: 0 });
    const made = await makeClone(saved, options, means);
    try {
      await this.#spawn(made, options);
    } catch (error) {
      // Also where nobody waits for it any longer.
      await this.remove(made.id, { force: true, signal: new AbortController().signal });
      throw error;
    }
    if (options.wait === true) await (await this.open(made.id)).waitForGuest(options.signal);
    return await this.#read(made.id);
  }

  async restoreFrom(ref: string, saved: SavedMachine, { note, wait, signal }: RestoreOptions): Promise<VmRecord> {
    const { go, record } = await this.#decided(ref, "stop");
    requireSameMachine(saved, record);
    const means = { index: this.#index, host: this.#options.host };
    await requireGoesOn(saved, means, { note, signal });
    if (go) await new SupervisorClient(record).restore(saved.directory, signal);
    else {
      const prepare = async () => {
        await using lock = await this.#index.lock(record.id);
        await restoreStopped(lock, saved, { ...means, signal });
      };
      await this.#spawn(record, { note, signal, prepare });
    }
    if (wait === true) await (await this.open(record.id)).waitForGuest(signal);
    return await this.#read(record.id);
  }

  async list(): Promise<readonly VmView[]> {
    const entries = await this.#index.list();
    return await Promise.all(entries.map(({ record }) => viewOf(record)));
  }

  async inspect(ref: string): Promise<VmView> {
    const views = await this.list();
    const { id } = resolveRef(
      views.map(({ record }) => record),
      ref,
    );
    return views.find(({ record }) => record.id === id) as VmView;
  }

  async remove(ref: string, { force, signal }: { force?: boolean | undefined; signal: AbortSignal }): Promise<void> {
    const { record } = await this.inspect(ref);
    const decision = decide("remove", record.state, called(record));
    if (decision.kind === "refuse" && !(force === true && record.process !== undefined)) {
      throw new VmError("vm-state", decision.why);
    }
    if (decision.kind === "refuse") await endSupervisor(this.#index, record, { force: true, signal });
    await using lock = await this.#index.lock(record.id);
    await lock.remove();
  }

  async open(ref: string): Promise<LiveVm> {
    const { record } = await this.#decided(ref, "capture");
    return new SupervisorClient(record);
  }

  watch(signal: AbortSignal): AsyncIterable<VmEvent> {
    return watchMachines(() => this.list(), signal);
  }

  async gc(): Promise<readonly ReclaimedVm[]> {
    const reclaimed = await this.#index.reclaim();
    await tidyFolders(this.#index);
    return reclaimed;
  }

  /** @throws {VmError} `vm-state` */
  async #decided(ref: string, action: VmAction): Promise<{ go: boolean; record: VmRecord }> {
    const { record } = await this.inspect(ref);
    const decision = decide(action, record.state, called(record));
    if (decision.kind === "refuse") throw new VmError("vm-state", decision.why);
    return { go: decision.kind === "go", record };
  }

  async #read(id: string): Promise<VmRecord> {
    const record = await this.#index.tryRead(id);
    if (record === undefined) throw new VmError("vm-not-found", `the machine ${id} was removed meanwhile`);
    return (await viewOf(record)).record;
  }

  /** Resolves when it runs. @param options.prepare Done with it before, where it may be started at all. */
  async #spawn(
    record: VmRecord,
    { note = () => {}, signal, prepare }: StartOptions & { prepare?: (() => Promise<void>) | undefined },
  ): Promise<void> {
    const { log: logFile } = new MachineFiles(this.#index.folderOf(record.id));
    const command = this.#options.supervisor(record.id);
    await startWithinLimits({ ...this.#limited, signal }, record, async () => {
      await prepare?.();
      await spawnSupervisor(command, record, { logFile, note, signal });
    });
  }

  #resolve(spec: VmSpec, image: ImageLease, userData: string | undefined): ResolvedMachine {
    const { config } = this.#options.host;
    const issues = networkIssues(spec.network, config.network.policy);
    if (issues.length > 0) throw new InvalidInputError("The machine", issues, "task");
    const layers = { payload: spec.machine, image: image.image.machine, config: config.machine };
    const machine = resolveMachine(layers, config.machineOptions);
    chooseDiskSlots(machine, spec.disks?.length ?? 0);
    const { cloudInit } = machine;
    if (userData === undefined || cloudInit !== undefined) return machine;
    return { ...machine, cloudInit: { source: "disk" } };
  }

  #record(spec: VmSpec, made: { id: string; machine: ResolvedMachine; image: ImageLease }): VmRecord {
    const { id, machine, image } = made;
    return buildRecord(spec, {
      ...{ id, backend: BACKEND, machine, digest: image.image.digest, now: new Date() },
      runParent: vmFolders(this.#options.host.config).sockets,
    });
  }
}

/** Where machines are kept; absolute paths. */
export function vmFolders({ stateDir, runDir }: { stateDir: string; runDir: string }): {
  records: string;
  sockets: string;
} {
  return { records: join(stateDir, "vms"), sockets: join(runDir, "v") };
}

async function viewOf(record: VmRecord): Promise<VmView> {
  const supervisor = record.process?.supervisor;
  const alive = supervisor !== undefined && (await isAlive(supervisor));
  const state = apparentState(record, alive);
  return { record: { ...record, state }, isStale: isStale(record, alive) };
}
