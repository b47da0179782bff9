/**
 * One machine and who takes care of it, from its start to its end: the only one that changes its record meanwhile.
 *
 *   starting ──▶ running ⇄ paused ──guest restarts──▶ (QEMU anew) running
 *                   └────────┴──the machine ends, or is stopped──▶ stopped: nothing is left but the folder
 *
 * *Owns* the lock of the machine, QEMU, and the forwarded ports. If this process dies QEMU dies with it, and the lock
 * is nobody's: the next command puts the record right.
 */
import { mkdir, rm } from "node:fs/promises";
import type { Duplex } from "node:stream";
import { orAborted } from "../../base/abort.ts";
import { messageOf } from "../../base/errors.ts";
import type { VmRecord } from "../../generated/vm-record.ts";
import { currentOwner, ownerOf } from "../../host/owner.ts";
import type { SavedMachine } from "../../snapshot/saved-machine.ts";
import { VmError } from "../errors.ts";
import { goesOnOf, sourceOf } from "../going-on.ts";
import type { VmIndex, VmLock } from "../index-store.ts";
import type { QemuHost } from "../qemu/host.ts";
import { MachineFiles } from "../qemu/machine-files.ts";
import { RunningMachine } from "../qemu/running-machine.ts";
import { type SaveFacts, saveRunning } from "../qemu/save.ts";
import { stageFiles } from "../qemu/saved-files.ts";
import { called } from "../refs.ts";
import { advanceRecord, decide, type VmAction } from "../states.ts";
import { KeptRecord } from "./kept-record.ts";
import { PortForwards } from "./port-forwards.ts";
import { Screen } from "./screen.ts";
import { type StopOptions, stopMachine } from "./stop-chain.ts";

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
  readonly #ended = Promise.withResolvers<void>();
  #machine: RunningMachine;
  #forwards: PortForwards | undefined;
  /** Why it is to end; undefined: nobody has asked for it. */
  #asked: string | undefined;
  /** Somebody waits for it to run again. */
  #restart: PromiseWithResolvers<void> | undefined;
  readonly #screen = new Screen();
  /** Its disks are where they are to be, as far as they can be. */
  #mounted: Promise<void> = Promise.resolve();
  /** Fires when nobody wants to have it saved any more. */
  readonly #stopping = new AbortController();
  /** One change of the machine after the other. */
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(options: SupervisedVmOptions, lock: VmLock, machine: RunningMachine) {
    this.#options = options;
    this.#kept = new KeptRecord(lock);
    this.#machine = machine;
    this.ended = this.#ended.promise;
  }

  /**
   * When this resolves the machine runs, and its record says so. It is the caller's then.
   *
   * @throws {VmError} `vm-busy`: somebody else has it; what starting it throws. The record says why it did not start.
   */
  static async start(options: SupervisedVmOptions): Promise<SupervisedVm> {
    const { id, index, note } = options;
    const lock = await index.lock(id);
    try {
      await rm(lock.record.runDirectory, { recursive: true, force: true });
      await mkdir(lock.record.runDirectory, { recursive: true, mode: 0o700 });
      const decision = decide("start", lock.record.state, called(lock.record));
      if (decision.kind === "refuse") throw new VmError("vm-state", decision.why);
      const onGoesOn = () => lock.write(withoutGoesOn(lock.record));
      const machine = await RunningMachine.start({ ...runOptions(options, lock.record), onGoesOn });
      const vm = new SupervisedVm(options, lock, machine);
      try {
        await vm.#open();
      } catch (error) {
        await machine[Symbol.asyncDispose]();
        throw error;
      }
      return vm;
    } catch (error) {
      note(`it did not start: ${messageOf(error)}`);
      const { signal } = options;
      const reason = `it did not start: ${messageOf(signal.aborted ? signal.reason : error)}`;
      await lock.write(advanceRecord(lock.record, "failed", { now: new Date(), reason })).catch(() => {});
      await rm(lock.record.runDirectory, { recursive: true, force: true });
      await lock[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** As it is on the disk. */
  get record(): VmRecord {
    return this.#kept.record;
  }

  get machine(): RunningMachine {
    return this.#machine;
  }

  /** @throws {VmError} `vm-state`: it is paused, and would never answer. */
  get guest(): RunningMachine["guest"] {
    this.#decide("use");
    return this.#machine.guest;
  }

  get files(): MachineFiles {
    return new MachineFiles(this.#options.index.folderOf(this.record.id));
  }

  async #open(): Promise<void> {
    const { record } = this;
    this.#forwards = await PortForwards.open({
      wanted: record.forwards,
      connect: (port) => this.connect(port),
      onFailure: (message) => this.#options.note(message),
    });
    try {
      await this.#options.serve(this);
      await this.#noteStarted();
    } catch (error) {
      await this.#forwards[Symbol.asyncDispose]();
      throw error;
    }
    void this.#watch();
  }

  async #noteStarted(): Promise<void> {
    const { accelerator, beginning, vm } = this.#machine;
    const resumed = beginning !== "boot";
    const [supervisor, emulator] = [await currentOwner(), vm.pid === undefined ? undefined : await ownerOf(vm.pid)];
    await this.#kept.update((record) => ({
      ...advanceRecord(record, "started", { now: new Date() }),
      process: {
        ...{ supervisor, accelerator, resumed, forwards: [...(this.#forwards?.all ?? [])] },
        ...(emulator === undefined ? {} : { emulator }),
      },
    }));
    // What goes on has its disks where they were.
    this.#mounted = beginning === "move" ? Promise.resolve() : this.#mountDisks();
  }

  /** Never rejects. */
  async #mountDisks(): Promise<void> {
    const { note, signal } = this.#options;
    const { record } = this;
    if (record.disks.every(({ mount }) => mount === undefined)) return;
    try {
      const machine = this.#machine;
      await machine.waitForGuest(signal);
      await machine.mountDisks(record, this.files, signal);
    } catch (error) {
      note(`its disks are not mounted: ${messageOf(error)}`);
    }
  }

  /** Until the machine has ended for good. Never rejects. */
  async #watch(): Promise<void> {
    const { note } = this.#options;
    for (;;) {
      const end = await this.#machine.vm.done;
      const restart = this.#restart;
      this.#restart = undefined;
      const wanted = this.#asked === undefined && (restart !== undefined || end.cause === "guest-reset");
      const reason = this.#asked ?? end.message;
      note(wanted ? "it starts again" : `it has ended: ${reason}`);
      try {
        await this.#change("ended", reason);
        if (wanted) {
          const onGoesOn = () => this.#kept.update(withoutGoesOn);
          this.#machine = await RunningMachine.start({ ...runOptions(this.#options, this.record), onGoesOn });
          await this.#noteStarted();
          restart?.resolve();
          continue;
        }
        restart?.reject(new VmError("vm-state", `${called(this.record)} was stopped meanwhile`));
      } catch (error) {
        note(`its record could not be changed, or it did not start again: ${messageOf(error)}`);
        await this.#change("failed", `it did not start again: ${messageOf(error)}`).catch(() => {});
        restart?.reject(error);
      }
      break;
    }
    await this.#forwards?.[Symbol.asyncDispose]();
    await rm(this.record.runDirectory, { recursive: true, force: true }).catch(() => {});
    await this.#kept[Symbol.asyncDispose]().catch(() => {});
    this.#ended.resolve();
  }

  async pause(): Promise<void> {
    await this.#inTurn(async () => {
      if (this.#decide("pause")) {
        await this.#machine.vm.pause();
        await this.#change("paused");
      }
    });
  }

  async resume(): Promise<void> {
    await this.#inTurn(async () => {
      if (this.#decide("resume")) {
        await this.#machine.vm.resume();
        await this.#change("resumed");
      }
    });
  }

  /** Resolves when it has ended, and its record says so. */
  async stop(options: StopOptions & { reason?: string } = {}): Promise<void> {
    this.#asked ??= options.reason ?? "it was stopped";
    this.#stopping.abort(new VmError("vm-state", `${called(this.record)} is being stopped`));
    await this.#stop(options);
    await this.ended;
  }

  /** Ends it as {@link stop} does, and starts it again; resolves when it has begun to boot. */
  async restart(options: StopOptions = {}): Promise<void> {
    await this.#inTurn(async () => {
      const restart = Promise.withResolvers<void>();
      restart.promise.catch(() => {});
      this.#restart = restart;
      await this.#stop(options);
      await this.#again(restart.promise);
    });
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
      const stop = AbortSignal.any([signal, this.#stopping.signal]);
      return await saveRunning(this.#machine, this.record, { host, facts, signal: stop });
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
      const { image } = this.#machine;
      const stop = AbortSignal.any([signal, this.#stopping.signal]);
      await stageFiles(this.files, saved, this.record, { image, signal: stop });
      const restart = Promise.withResolvers<void>();
      restart.promise.catch(() => {});
      this.#restart = restart;
      // From here on whoever starts it next has it go on there, whatever becomes of this process.
      await this.#kept.update((record) => ({
        ...record,
        ...{ from: sourceOf(saved), goesOn: { ...goesOnOf(saved), staged: true } },
      }));
      this.#machine.vm.kill();
      await this.#again(restart.promise);
    });
  }

  /** Resolves when it runs again. */
  async #again(restarted: Promise<void>): Promise<void> {
    const gone = this.ended.then(() => {
      throw new VmError("vm-state", `${called(this.record)} has ended`);
    });
    gone.catch(() => {});
    await Promise.race([restarted, gone]);
  }

  /** A command of QEMU's monitor; not while it is saved, which it could spoil. */
  async monitor(command: string, args: object = {}): Promise<unknown> {
    return await this.#inTurn(() => this.#machine.vm.execute(command, args));
  }

  async #stop(options: StopOptions): Promise<void> {
    const { vm, guest } = this.#machine;
    // A guest that stands still hears nothing.
    if (vm.state === "paused") await vm.resume().catch(() => {});
    await stopMachine(
      {
        done: vm.done,
        ask: () => Promise.allSettled([vm.pressPowerButton(), powerOff(guest)]),
        quit: () => vm.quit(),
        terminate: () => vm.terminate(),
        kill: () => vm.kill(),
      },
      options,
    );
  }

  /** A port of the guest. */
  async connect(port: number): Promise<Duplex> {
    this.#decide("use");
    return await this.#machine.network.dial(port);
  }

  /** @throws {VmError} `vm-state`: it has none; `vm-busy`: too many look already. */
  async openDisplay(): Promise<Duplex> {
    return await this.#screen.open(this.#machine.vm, this.record);
  }

  /** What its screen shows, a PNG. @throws {VmError} `vm-state` */
  async screenshot(): Promise<Buffer> {
    return await this.#screen.take(this.#machine.vm, this.record);
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
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => {});
    return done;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop({ politeMs: 0, reason: "its supervisor has ended" });
  }
}

function withoutGoesOn({ goesOn: _done, ...record }: VmRecord): VmRecord {
  return record;
}

function runOptions({ index, host, note, signal }: SupervisedVmOptions, record: VmRecord) {
  return { record, folder: index.folderOf(record.id), host, note, signal };
}

/** Where nothing in the guest listens to the power button, its agent may. */
async function powerOff(guest: RunningMachine["guest"]): Promise<unknown> {
  const script = "PATH=$PATH:/usr/sbin:/sbin; sync; exec poweroff";
  return await guest.exec({ command: ["sh", "-c", script], user: "root", cwd: "/" });
}
