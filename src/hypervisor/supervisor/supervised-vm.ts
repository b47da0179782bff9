/**
 * One machine and who takes care of it, from its start to its end: the only one that changes its record meanwhile.
 *
 *   starting ──▶ running ⇄ paused ──it starts again──▶ (QEMU anew: lives.ts) running
 *                   └────────┴──the machine ends, or is stopped──▶ stopped: nothing is left but the folder
 *
 * *Owns* the lock of the machine, QEMU, and the forwarded ports. If this process dies QEMU dies with it, and the lock
 * is nobody's: the next command puts the record right.
 */
import { mkdir, rm } from "node:fs/promises";
import type { Duplex } from "node:stream";
import { orAborted } from "../../base/abort.ts";
import { messageOf } from "../../base/errors.ts";
import { Scope } from "../../base/scope.ts";
import type { VmRecord } from "../../generated/vm-record.ts";
import { currentOwner, ownerOf } from "../../host/owner.ts";
import type { SavedMachine } from "../../snapshot/saved-machine.ts";
import { VmError } from "../errors.ts";
import { withoutGoesOn, withStaged } from "../going-on.ts";
import type { VmIndex, VmLock } from "../index-store.ts";
import type { QemuHost } from "../qemu/host.ts";
import { MachineFiles } from "../qemu/machine-files.ts";
import { RunningMachine } from "../qemu/running-machine.ts";
import { type SaveFacts, saveRunning } from "../qemu/save.ts";
import { stageFiles } from "../qemu/saved-files.ts";
import { called } from "../refs.ts";
import { advanceRecord, decide, type VmAction } from "../states.ts";
import { endMachine } from "./end-machine.ts";
import { KeptRecord } from "./kept-record.ts";
import { Lives } from "./lives.ts";
import { PortForwards } from "./port-forwards.ts";
import { Screen } from "./screen.ts";
import type { StopOptions } from "./stop-chain.ts";

export interface SupervisedVmOptions {
  readonly id: string;
  readonly index: VmIndex;
  readonly host: QemuHost;
  /** Has others speak to it, from before its record says that it runs; ended by the caller after it has ended. */
  readonly serve: (vm: SupervisedVm) => Promise<void>;
  /** For who has started it, and the log. */
  readonly note: (text: string) => void;
  /** Fires when the machine is no longer wanted while it starts. */
  readonly signal: AbortSignal;
}

export class SupervisedVm implements AsyncDisposable {
  /** Settles when the machine has ended for good and its record says so; never rejects. */
  readonly ended: Promise<void>;
  readonly #options: SupervisedVmOptions;
  readonly #kept: KeptRecord;
  readonly #forwards: PortForwards;
  readonly #lives: Lives<RunningMachine>;
  readonly #ended = Promise.withResolvers<void>();
  readonly #screen = new Screen();
  /** Its disks are where they are to be, as far as they can be. */
  #mounted: Promise<void> = Promise.resolve();
  /** One change of the machine after the other. */
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(options: SupervisedVmOptions, lock: VmLock, forwards: PortForwards, first: RunningMachine) {
    const { note } = options;
    this.#options = options;
    this.#kept = new KeptRecord(lock);
    this.#forwards = forwards;
    this.ended = this.#ended.promise;
    const start = (signal: AbortSignal) => {
      const onGoesOn = () => this.#kept.update(withoutGoesOn);
      const either = AbortSignal.any([signal, options.signal]);
      return RunningMachine.start({ ...runOptions(options, this.record), onGoesOn, signal: either });
    };
    this.#lives = new Lives({ first, start, onStarted: () => this.#noteStarted(), note, called: called(lock.record) });
  }

  /**
   * When this resolves the machine runs, and its record says so. It is the caller's then.
   *
   * @throws {VmError} `vm-busy`: somebody else has it; what starting it throws. The record says why it did not start.
   */
  static async start(options: SupervisedVmOptions): Promise<SupervisedVm> {
    const { id, index } = options;
    const lock = await index.lock(id);
    try {
      await rm(lock.record.runDirectory, { recursive: true, force: true });
      await mkdir(lock.record.runDirectory, { recursive: true, mode: 0o700 });
      const decision = decide("start", lock.record.state, called(lock.record));
      if (decision.kind === "refuse") throw new VmError("vm-state", decision.why);
      return await SupervisedVm.#begin(options, lock);
    } catch (error) {
      const { signal } = options;
      const reason = `it did not start: ${messageOf(signal.aborted ? signal.reason : error)}`;
      await lock.write(advanceRecord(lock.record, "failed", { now: new Date(), reason })).catch(() => {});
      await rm(lock.record.runDirectory, { recursive: true, force: true });
      await lock[Symbol.asyncDispose]();
      throw error;
    }
  }

  static async #begin(options: SupervisedVmOptions, lock: VmLock): Promise<SupervisedVm> {
    const { note } = options;
    await using scope = new Scope();
    let vm: SupervisedVm | undefined;
    const connect = async (port: number) => {
      if (vm === undefined) throw new VmError("vm-busy", `${called(lock.record)} is starting`);
      return await vm.connect(port);
    };
    // Before it goes on from what was saved, which it does once.
    const forwards = scope.use(await PortForwards.open({ wanted: lock.record.forwards, connect, onFailure: note }));
    const onGoesOn = () => lock.write(withoutGoesOn(lock.record));
    const machine = scope.use(await RunningMachine.start({ ...runOptions(options, lock.record), onGoesOn }));
    vm = new SupervisedVm(options, lock, forwards, machine);
    await options.serve(vm);
    await vm.#noteStarted();
    void vm.#live();
    scope.move();
    return vm;
  }

  /** As it is on the disk. */
  get record(): VmRecord {
    return this.#kept.record;
  }

  get machine(): RunningMachine {
    return this.#lives.current;
  }

  /** @throws {VmError} `vm-state`: it is paused, and would never answer; `vm-busy`: it starts again. */
  get guest(): RunningMachine["guest"] {
    this.#decide("use");
    return this.#present.guest;
  }

  /** @throws {VmError} `vm-busy` */
  get #present(): RunningMachine {
    if (!this.#lives.isBetween) return this.machine;
    throw new VmError("vm-busy", `${called(this.record)} is starting again at the moment; try again`);
  }

  get files(): MachineFiles {
    return new MachineFiles(this.#options.index.folderOf(this.record.id));
  }

  async #noteStarted(): Promise<void> {
    const { accelerator, beginning, vm } = this.machine;
    const resumed = beginning !== "boot";
    const [supervisor, emulator] = [await currentOwner(), vm.pid === undefined ? undefined : await ownerOf(vm.pid)];
    await this.#kept.update((record) => ({
      ...advanceRecord(record, "started", { now: new Date() }),
      process: {
        ...{ supervisor, accelerator, resumed, forwards: [...this.#forwards.all] },
        ...(emulator === undefined ? {} : { emulator }),
      },
    }));
    const { note, signal } = this.#options;
    const complain = (error: unknown) => note(`its disks are not mounted: ${messageOf(error)}`);
    this.#mounted = this.machine.mountDisks(this.record, this.files, signal).catch(complain);
  }

  /** Until the machine has ended for good. Never rejects. */
  async #live(): Promise<void> {
    const { note } = this.#options;
    const { occurrence, reason } = await this.#lives.run();
    note(occurrence === "ended" ? `it has ended: ${reason}` : reason);
    const complain = (error: unknown) => note(`its record could not be changed: ${messageOf(error)}`);
    await this.#change(occurrence, reason).catch(complain);
    await this.#forwards[Symbol.asyncDispose]();
    await rm(this.record.runDirectory, { recursive: true, force: true }).catch(() => {});
    await this.#kept[Symbol.asyncDispose]().catch(() => {});
    this.#ended.resolve();
  }

  /** Resolves when its guest is in contact. @throws as {@link RunningMachine.waitForGuest}. */
  async waitForGuest(signal: AbortSignal, timeoutMs?: number): Promise<void> {
    await orAborted(this.#lives.settled(), signal);
    await this.machine.waitForGuest(signal, timeoutMs);
  }

  async pause(): Promise<void> {
    await this.#inTurn(async () => {
      if (this.#decide("pause")) {
        await this.machine.vm.pause();
        await this.#change("paused");
      }
    });
  }

  async resume(): Promise<void> {
    await this.#inTurn(async () => {
      if (this.#decide("resume")) {
        await this.machine.vm.resume();
        await this.#change("resumed");
      }
    });
  }

  /** Resolves when it has ended, and its record says so. */
  async stop(options: StopOptions & { reason?: string } = {}): Promise<void> {
    this.#lives.end(options.reason ?? "it was stopped");
    // One that was being started is ended there.
    await this.#lives.settled();
    await endMachine(this.machine, options);
    await this.ended;
  }

  /** Ends it as {@link stop} does, and starts it again; resolves when it has begun to boot. */
  async restart(options: StopOptions = {}): Promise<void> {
    await this.#inTurn(() => this.#lives.again((machine) => endMachine(machine, options)));
  }

  /**
   * Saves it as it is now; it goes on, or stays paused. When the signal fires it goes on at once, and nothing is saved.
   *
   * @throws what {@link saveRunning} throws.
   */
  async save(facts: SaveFacts, signal: AbortSignal): Promise<SavedMachine & { stillMs: number }> {
    return await this.#inTurn(async () => {
      this.#decide("capture");
      const { host } = this.#options;
      // Whoever boots has not got them before; a copy could not know which.
      await orAborted(this.#mounted, signal);
      return await this.#lives.hold((over) =>
        saveRunning(this.machine, this.record, { host, facts, signal: AbortSignal.any([signal, over]) }),
      );
    });
  }

  /**
   * Has it go back to what was saved. What can be done before is done while it still runs; when the signal fires before
   * that is over it goes on as if nothing had been asked.
   *
   * @param saved Of this machine; the caller has made sure that it can go on here, and holds a lease on it.
   */
  async restore(saved: SavedMachine, signal: AbortSignal): Promise<void> {
    await this.#inTurn(async () => {
      this.#decide("capture");
      await this.#lives.hold(async (over) => {
        const { image } = this.machine;
        await stageFiles(this.files, saved, this.record, { image, signal: AbortSignal.any([signal, over]) });
        // From here on whoever starts it next has it go on there, whatever becomes of this process.
        await this.#kept.update((record) => withStaged(record, saved));
      });
      // A guest that has restarted meanwhile is there already.
      await this.#lives.settled();
      if (this.record.goesOn !== undefined) await this.#lives.again(({ vm }) => vm.kill());
    });
  }

  /** A command of QEMU's monitor; not while it is saved, which it could spoil. */
  async monitor(command: string, args: object = {}): Promise<unknown> {
    return await this.#inTurn(() => this.machine.vm.execute(command, args));
  }

  /** A port of the guest. */
  async connect(port: number): Promise<Duplex> {
    this.#decide("use");
    return await this.#present.network.dial(port);
  }

  /** @throws {VmError} `vm-state`: it has none; `vm-busy`: too many look already. */
  async openDisplay(): Promise<Duplex> {
    return await this.#screen.open(this.#present.vm, this.record);
  }

  /** What its screen shows, a PNG. @throws {VmError} `vm-state` */
  async screenshot(): Promise<Buffer> {
    return await this.#screen.take(this.#present.vm, this.record);
  }

  /** @throws {VmError} `vm-state` */
  #decide(action: VmAction): boolean {
    const decision = decide(action, this.record.state, called(this.record));
    if (decision.kind === "refuse") throw new VmError("vm-state", decision.why);
    return decision.kind === "go";
  }

  async #change(occurrence: Parameters<typeof advanceRecord>[1], reason?: string): Promise<void> {
    await this.#kept.update((record) => advanceRecord(record, occurrence, { now: new Date(), reason }));
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(() => this.#lives.settled()).then(work);
    this.#turn = done.catch(() => {});
    return done;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop({ politeMs: 0, reason: "its supervisor has ended" });
  }
}

function runOptions({ index, host, note, signal }: SupervisedVmOptions, record: VmRecord) {
  return { record, folder: index.folderOf(record.id), host, note, signal };
}
