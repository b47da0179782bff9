/**
 * One QEMU process: a machine that runs, until something ends it.
 *
 * States and causes: see life.ts. *Owns* the process, its monitor, and all that
 * it is given in `resources` (network, disk, folders): they are given back,
 * in reverse order, when the process is gone, and `done` settles after that.
 */
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { orTimeout } from "../base/abort.ts";
import { messageOf } from "../base/errors.ts";
import type { Scope } from "../base/scope.ts";
import type { HostProcess } from "../host/process.ts";
import { QmpClient } from "../qmp/client.ts";
import type { QmpEvent } from "../qmp/messages.ts";
import { countDiskOperations } from "./block-stats.ts";
import { type Checkpoint, type CheckpointOptions, holdStill, takeCheckpoint } from "./checkpoint.ts";
import { type DataDisk, diskNames } from "./data-disks.ts";
import { addDisk, layDisk, removeDisk } from "./disk-places.ts";
import { describeEnd, type VmEnd } from "./end.ts";
import { VirtualMachineError } from "./errors.ts";
import { advance, BIRTH, type VmLife, type VmOccurrence, type VmState } from "./life.ts";
import { loadState, saveState } from "./migration.ts";
import { recognizeEvent, type VmNotice } from "./notices.ts";
import { stateFileOf } from "./ports.ts";
import { SerialConsole } from "./serial-console.ts";
import { ANONYMOUS, type QemuOptions, startQemu } from "./start-qemu.ts";

export interface VirtualMachineOptions extends QemuOptions {
  /** What the captured machine had in its places, by their number; for a machine with a state. Default: nothing. */
  dataDisks?: ReadonlyMap<number, DataDisk> | undefined;
  /**
   * Called once when the kernel of the guest has panicked, with the machine held at that instant, so that it can be
   * captured; the machine is killed when this settles. Default: it is killed at once.
   */
  onPanic?: ((vm: VirtualMachine) => Promise<unknown>) | undefined;
}

const MAX_TROUBLES = 20;
const QUIT_TIMEOUT_MS = 30_000;

export class VirtualMachine implements AsyncDisposable {
  readonly vncSocket: string;
  /** What the guest writes to its serial port. */
  readonly console: SerialConsole;
  /** The host's end of the port over which a guest is parked and woken; what the guest writes to it is untrusted. */
  readonly wakePort: Duplex;
  /** Settles when nothing of the machine is left; never rejects. */
  readonly done: Promise<VmEnd>;
  /** Settles as soon as the machine has begun to end; never rejects. */
  readonly ending: Promise<void>;
  readonly #ending = Promise.withResolvers<void>();
  readonly #process: HostProcess;
  readonly #monitor: Promise<QmpClient>;
  readonly #stateSocket: string;
  readonly #troubles: VmNotice[] = [];
  readonly #onPanic: VirtualMachineOptions["onPanic"];
  #life: VmLife = BIRTH;
  #diskFile: string;
  readonly #isDurable: boolean;
  readonly #dataDisks: Map<number, DataDisk>;
  #diskChanges = 0;
  #panicked = false;
  /** Settles when what changes the machine as a whole may begin; never rejects. */
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(process: HostProcess, options: VirtualMachineOptions, vncSocket: string) {
    this.vncSocket = vncSocket;
    this.#process = process;
    this.#onPanic = options.onPanic;
    this.#diskFile = options.disk.diskFile;
    this.#isDurable = options.disk.durable === true;
    this.#dataDisks = new Map(options.dataDisks);
    this.ending = this.#ending.promise;
    this.#stateSocket = join(options.runDirectory, "state");
    const [link, monitor, wakePort, serialPort] = process.sockets;
    if (link === undefined || monitor === undefined || wakePort === undefined || serialPort === undefined) {
      throw new Error("QEMU was started without its sockets");
    }
    this.wakePort = wakePort;
    this.console = new SerialConsole(serialPort);
    options.network.connect(link);
    this.#monitor = QmpClient.connect(monitor).then((client) => {
      client.onEvent((event) => this.#hear(event));
      return client;
    });
    this.#monitor.catch(() => {});
    this.done = this.#end(options.resources);
  }

  /**
   * Starts a machine. When this resolves it runs and its guest is about to boot; or it is paused where one was
   * captured, if its memory has a state.
   *
   * @throws {VirtualMachineError} `qemu-failed` with the end of its stderr; {@link InvalidInputError} for a machine
   *   that cannot be given; `signal.reason`. All of `resources` is given back then.
   */
  static async start(options: VirtualMachineOptions): Promise<VirtualMachine> {
    const vncSocket = join(options.runDirectory, "vnc");
    let vm: VirtualMachine;
    try {
      vm = new VirtualMachine(await startQemu(options, vncSocket), options, vncSocket);
    } catch (error) {
      await options.resources[Symbol.asyncDispose]();
      throw error;
    }
    const onAbort = () => vm.kill();
    options.signal?.addEventListener("abort", onAbort, { once: true });
    if (options.signal?.aborted) onAbort();
    try {
      const monitor = await vm.#monitor;
      const stateFile = stateFileOf(options.memory ?? ANONYMOUS);
      if (stateFile !== undefined) {
        for (const [slot, disk] of options.dataDisks ?? []) await vm.#addDisk(monitor, slot, disk);
        await loadState({ monitor, socketPath: vm.#stateSocket, stateFile, signal: options.signal });
        vm.#note({ kind: "loaded" });
      } else {
        await monitor.execute("cont");
        vm.#note({ kind: "started" });
      }
      return vm;
    } catch (cause) {
      vm.kill();
      const { stderrTail } = await vm.#process.exited;
      await vm.done;
      options.signal?.throwIfAborted();
      const why = stderrTail === "" ? messageOf(cause) : stderrTail;
      throw new VirtualMachineError("qemu-failed", `QEMU did not start: ${why}`, { blame: "host", cause });
    } finally {
      options.signal?.removeEventListener("abort", onAbort);
    }
  }

  get state(): VmState {
    return this.#life.state;
  }

  /** What has gone wrong so far; at most a few dozen. */
  get notices(): readonly VmNotice[] {
    return [...this.#troubles, ...this.console.notices];
  }

  /** Of the QEMU process. */
  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** Ends the machine at once, in any state; `done` tells when nothing is left. */
  kill(): void {
    this.#note({ kind: "kill" });
    this.#process.kill();
  }

  /** Has QEMU end in order: all that its guest has written is in the files of its disks then. */
  async quit(): Promise<void> {
    const monitor = await this.#monitor;
    this.#note({ kind: "kill" });
    // It may be gone before it has answered.
    await monitor.execute("quit").catch(() => {});
  }

  /** Ends the machine by a signal that QEMU heeds, if it heeds anything. */
  terminate(): void {
    this.#note({ kind: "kill" });
    this.#process.terminate();
  }

  /**
   * Runs a command of QEMU's monitor, for people who know it. What it changes nobody else learns of.
   *
   * @throws {QmpCommandError} QEMU refuses it; {@link QmpClosedError}.
   */
  async execute(command: string, args: object = {}): Promise<unknown> {
    const monitor = await this.#monitor;
    return await monitor.execute(command, args);
  }

  /** The file that the machine writes its disk to; another one after a checkpoint with a new disk. */
  get diskFile(): string {
    return this.#diskFile;
  }

  /** What is in its places now, by their number. */
  get dataDisks(): ReadonlyMap<number, DataDisk> {
    return this.#dataDisks;
  }

  /** Holds a machine that runs. */
  async pause(): Promise<void> {
    await this.#inTurn((monitor) => monitor.execute("stop"));
  }

  /** Lets a paused machine go on. */
  async resume(): Promise<void> {
    await this.#inTurn((monitor) => monitor.execute("cont"));
  }

  /**
   * Saves the machine as it is at one instant, and lets it go on; only with `own` memory. Its memory is in the file of
   * that, its disk in {@link diskFile} (or, with a new disk, in the one it had), the rest in `stateFile`. Calls wait for
   * each other, and a pause waits for them.
   *
   * A new disk that was given may be in use although this rejects: {@link diskFile} tells.
   *
   * @throws see {@link takeCheckpoint}.
   */
  async checkpoint(options: CheckpointOptions): Promise<Checkpoint> {
    return await this.#inTurn(async (monitor) => {
      const changeDisk = async (file: string) => {
        await layDisk(monitor, `disk0-${++this.#diskChanges}`, { file, isDurable: this.#isDurable });
        this.#diskFile = file;
      };
      return await takeCheckpoint({ monitor, socketPath: this.#stateSocket, changeDisk }, options);
    });
  }

  /**
   * Freezes the machine for ever: its devices go to `stateFile`, its memory and its disk are whole in their files
   * when this resolves, and it is gone. For memory that is `shared` or `own`.
   *
   * @throws {QmpCommandError} The machine has a device whose state QEMU cannot save.
   * @throws {VirtualMachineError} `state-transfer-failed`
   */
  async capture(stateFile: string, signal?: AbortSignal): Promise<void> {
    await this.#inTurn(async (monitor) => {
      await holdStill(monitor);
      await saveState({ monitor, socketPath: this.#stateSocket, stateFile, signal });
      this.#note({ kind: "kill" });
      // Killed, it might not have written the last of its disk.
      await monitor.execute("quit").catch(() => {});
    });
    await orTimeout(
      this.done,
      QUIT_TIMEOUT_MS,
      () => new VirtualMachineError("qemu-failed", "QEMU does not quit", { blame: "host" }),
    );
  }

  /** Asks the guest by ACPI to end; whether it does is its own business. */
  async pressPowerButton(): Promise<void> {
    const monitor = await this.#monitor;
    await monitor.execute("system_powerdown");
  }

  /**
   * Presses keys together, and lets go of them.
   *
   * @param keys Names of QEMU (QKeyCode), such as `ctrl`, `alt`, `f2`.
   * @throws {QmpCommandError} There is no such key, or no keyboard.
   */
  async pressKeys(keys: readonly string[]): Promise<void> {
    const monitor = await this.#monitor;
    await monitor.execute("send-key", { keys: keys.map((data) => ({ type: "qcode", data })) });
  }

  /**
   * Writes what the screen shows as a PNG.
   *
   * @param file Absolute path.
   * @throws {QmpCommandError} The machine has no graphics, or QEMU cannot write the file.
   */
  async screenshot(file: string): Promise<void> {
    const monitor = await this.#monitor;
    await monitor.execute("screendump", { filename: file, format: "png" });
  }

  /** What its disks have done since it was started: only grows, but where a disk is taken out. */
  async diskOperations(): Promise<number> {
    const monitor = await this.#monitor;
    return countDiskOperations(await monitor.execute("query-blockstats"));
  }

  /**
   * Puts a disk into an empty place of a machine that runs. Its guest is told the new size.
   *
   * @throws {QmpCommandError} There is no such file, somebody else writes to it, or there is no such place.
   */
  async insertDisk(slot: number, disk: DataDisk): Promise<void> {
    await this.#inTurn(async (monitor) => {
      await this.#addDisk(monitor, slot, disk);
      this.#dataDisks.set(slot, disk);
      // It has this size already; what counts is that the guest hears of it.
      await monitor.execute("block_resize", { "node-name": diskNames(slot).full, size: disk.sizeBytes });
    });
  }

  /** As durable as the disk it boots from. */
  async #addDisk(monitor: QmpClient, slot: number, disk: DataDisk): Promise<void> {
    await addDisk(monitor, slot, disk, { isDurable: this.#isDurable });
  }

  /**
   * Takes a disk out again. When this resolves QEMU has written all of it to its file, and closed it; what the guest
   * writes later goes nowhere.
   */
  async ejectDisk(slot: number): Promise<void> {
    await this.#inTurn((monitor) => removeDisk(monitor, slot));
  }

  /** One after the other: nothing of the machine may change while it is saved. */
  #inTurn<T>(act: (monitor: QmpClient) => Promise<T>): Promise<T> {
    const result = this.#turn.then(async () => await act(await this.#monitor));
    this.#turn = result.catch(() => {});
    return result;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill();
    await this.done;
  }

  #hear(event: QmpEvent): void {
    const notice = recognizeEvent(event);
    if (notice !== undefined && this.#troubles.length < MAX_TROUBLES) this.#troubles.push(notice);
    this.#note({ kind: "event", event });
  }

  #note(occurrence: VmOccurrence): void {
    this.#life = advance(this.#life, occurrence);
    if (this.#life.cause === undefined) return;
    this.#ending.resolve();
    // QEMU holds a machine that cannot go on; its console has all that will ever be on it.
    if (this.#life.cause === "disk-full") this.#process.kill();
    if (this.#life.cause === "guest-panic") void this.#endPanicked();
  }

  async #endPanicked(): Promise<void> {
    if (this.#panicked) return;
    this.#panicked = true;
    try {
      await this.#onPanic?.(this);
    } catch {
      // What it was good for is the business of who asked.
    } finally {
      this.#process.kill();
    }
  }

  async #end(resources: Scope): Promise<VmEnd> {
    const exit = await this.#process.exited;
    // What QEMU said last may still be on its way.
    const monitor = await this.#monitor.catch(() => undefined);
    await monitor?.closed;
    this.#note({ kind: "exited" });
    await this.console.closed;
    await resources[Symbol.asyncDispose]().catch((error: unknown) => {
      process.emitWarning(`a machine could not be given back whole: ${messageOf(error)}`);
    });
    const { notices } = this;
    return describeEnd({ cause: this.#life.cause, exit, notices, consoleTail: this.console.tail });
  }
}
