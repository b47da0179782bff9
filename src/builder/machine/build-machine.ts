/**
 * A machine in which an image is made: it boots from the image's own disk, which keeps what it writes.
 *
 *   start ──▶ about to boot ──▶ (guest in contact) ──▶ off, by itself ──▶ disposed
 *
 * *Owns* QEMU, its network, its sockets and the log of the network; *borrows* disk and CDs. What its guest writes to the
 * serial console goes to the log of the build until there is something better.
 */
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { orAborted, orTimeout } from "../../base/abort.ts";
import { Scope } from "../../base/scope.ts";
import { formatDuration } from "../../base/units.ts";
import { TaskNetwork } from "../../feature/network/task-network.ts";
import { GuestSession } from "../../guest/guest-session.ts";
import { createMetadataService } from "../../guest/metadata-service.ts";
import { createUpgradeListener } from "../../guest/upgrade-listener.ts";
import { createIdentity, WakeLine } from "../../guest/wake.ts";
import { OwnedDirectory, reclaimDirectories } from "../../host/owned-directory.ts";
import type { NetworkPolicy } from "../../network/policy/network-policy.ts";
import { identify, patienceFor, prepareCloudInit } from "../../sandbox/cloud-init.ts";
import { GuestGoneError, GuestSilentError } from "../../sandbox/errors.ts";
import type { BootFrom, Cdrom } from "../../vm/cdroms.ts";
import type { VmEnd } from "../../vm/end.ts";
import { describeMachine, type ResolvedMachine } from "../../vm/limits.ts";
import { mtuOf } from "../../vm/network-mtu.ts";
import type { MachineDisk } from "../../vm/ports.ts";
import { VirtualMachine } from "../../vm/virtual-machine.ts";
import type { BuildContext } from "../build-context.ts";
import { LineSplitter } from "./line-splitter.ts";
import { nowhere } from "./nowhere.ts";

export interface BuildMachineOptions {
  /** Becomes the name of the guest's host where cloud-init gives it one. */
  name: string;
  machine: ResolvedMachine;
  /** In a folder of this machine's own, which outlives it. */
  disk: MachineDisk;
  cdroms?: readonly Cdrom[];
  bootFrom?: BootFrom;
  network: NetworkPolicy;
  /** It was said already what machine it is. */
  isRestart?: boolean;
  context: BuildContext;
  signal: AbortSignal;
}

export class BuildMachine implements AsyncDisposable {
  readonly vm: VirtualMachine;
  readonly guest: GuestSession;
  readonly #scope: Scope;
  /** There is something to see over VNC. */
  readonly hasScreen: boolean;
  readonly #patienceMs: number;
  #showsConsole = true;

  private constructor(
    vm: VirtualMachine,
    guest: GuestSession,
    scope: Scope,
    { machine, context }: Pick<BuildMachineOptions, "machine" | "context">,
  ) {
    this.vm = vm;
    this.hasScreen = machine.graphics !== "none";
    this.#patienceMs = patienceFor(machine, context.config.limits.bootTimeoutMs);
    this.guest = guest;
    this.#scope = scope;
    const lines = new LineSplitter((line) => context.report.line(stripVTControlCharacters(line)));
    vm.console.follow((chunk) => {
      if (this.#showsConsole) lines.write(chunk);
    });
    void vm.done.then(() => lines.end());
  }

  /** @throws what {@link VirtualMachine.start} throws; `signal.reason`. Nothing is left then. */
  static async start(options: BuildMachineOptions): Promise<BuildMachine> {
    const { machine, disk, cdroms = [], bootFrom, context, signal } = options;
    const { config, report } = context;
    const say = options.isRestart ? () => {} : (text: string) => report.line(text);
    const accelerator = await context.chooseAccelerator(signal, say);
    say(`machine: ${describeMachine(machine)}, ${accelerator}`);
    const networks = await context.openNetworks();
    const runParent = join(config.runDir, "m");
    await reclaimDirectories(runParent);

    await using scope = new Scope();
    const log = scope.use(await openNetworkLog(options));
    await using resources = new Scope();
    const run = resources.use(await OwnedDirectory.create(runParent));
    const { network, egress } = resources.use(await networks.open({ mac: machine.mac, mtu: mtuOf(machine) }));
    log.attach(network);
    egress.connect(log);
    const { agentBinary } = context.programs;
    const agentFile = (platform: string) => (platform === "linux-x64" ? agentBinary : undefined);
    const identity = identify(createIdentity(options.name), machine);
    const cloudInit = await prepareCloudInit({ machine, agentFile, ...identity }, run.path, signal);
    const vm = await VirtualMachine.start({
      ...{ qemuBinary: config.qemu.binary, accelerator, machine, disk, bootFrom, network, signal },
      cdroms: [...cdroms, ...(cloudInit?.cdroms ?? [])],
      runDirectory: run.path,
      cacheDirectory: join(config.stateDir, "cache"),
      resources: resources.move(),
    });
    scope.use(vm);
    const guest = scope.use(new GuestSession({ log: nowhere() }));
    network.setHandler(createMetadataService(guest, { agentFile, cloudInit: cloudInit?.source }));
    network.setUpgradeHandler(createUpgradeListener(guest));
    const wakeLine = new WakeLine(vm.wakePort);
    // What it is told of itself would stay on the disk.
    void wakeLine.parked.then(() => wakeLine.wake({}, { booted: true }));
    void network.closed.then((error) => {
      if (error !== undefined) vm.kill();
    });
    void vm.ending.then(async () => guest.close(new GuestGoneError(await vm.done)));
    const { network: policy } = options;
    if (policy.kind !== "isolated") await network.setPolicy(policy);
    return new BuildMachine(vm, guest, scope.move(), options);
  }

  /** From now on there is something better to show than the serial console. */
  hideConsole(): void {
    this.#showsConsole = false;
  }

  /**
   * Resolves when the agent in the guest has called home.
   *
   * @throws {GuestSilentError} It did not in time; {@link GuestGoneError}; `signal.reason`.
   */
  async waitForGuest(signal: AbortSignal): Promise<void> {
    const timeoutMs = this.#patienceMs;
    const silent = () =>
      new GuestSilentError(
        `the guest did not call home within ${formatDuration(timeoutMs)}`,
        // All of it is in the log already.
        this.#showsConsole ? "" : this.vm.console.tail,
      );
    await orAborted(orTimeout(this.guest.firstContact, timeoutMs, silent), signal);
  }

  /** Resolves when the machine has ended. @throws `signal.reason` */
  async waitForEnd(signal: AbortSignal): Promise<VmEnd> {
    return await orAborted(this.vm.done, signal);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#scope[Symbol.asyncDispose]();
  }
}

async function openNetworkLog({ network: policy, context }: BuildMachineOptions): Promise<TaskNetwork> {
  const { config, directory, report } = context;
  return await TaskNetwork.open({
    ...{ file: join(directory, "network.jsonl"), policy, bounds: config.network.policy },
    note: (text) => report.line(text),
    mask: (text) => text,
  });
}
