/**
 * One QEMU process: a machine that runs, until something ends it.
 *
 * States and causes: see life.ts. *Owns* the process, its monitor, and all that
 * it is given in `resources` (network, disk, folders): they are given back,
 * in reverse order, when the process is gone, and `done` settles after that.
 */
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Duplex } from "node:stream";
import { orTimeout } from "../base/abort.ts";
import { messageOf } from "../base/errors.ts";
import type { Scope } from "../base/scope.ts";
import { readClockRate } from "../host/cpu.ts";
import { FIRST_SOCKET_FD, HostProcess, type ProcessExit } from "../host/process.ts";
import { QmpClient } from "../qmp/client.ts";
import type { QmpEvent } from "../qmp/messages.ts";
import { type Accelerator, buildArguments, NETDEV_ID } from "./arguments.ts";
import { countDiskOperations } from "./block-stats.ts";
import type { BootFrom, Cdrom } from "./cdroms.ts";
import { type Checkpoint, type CheckpointOptions, holdStill, takeCheckpoint } from "./checkpoint.ts";
import { type DataDisk, diskNames } from "./data-disks.ts";
import { VirtualMachineError } from "./errors.ts";
import { chooseFirmware, prepareFirmware } from "./firmware.ts";
import { advance, BIRTH, type VmEndCause, type VmLife, type VmOccurrence, type VmState } from "./life.ts";
import type { ResolvedMachine } from "./limits.ts";
import { loadState, saveState } from "./migration.ts";
import { recognizeEvent, type VmNotice } from "./notices.ts";
import { type MachineDisk, type MachineMemory, type MachineNetwork, stateFileOf } from "./ports.ts";
import { SerialConsole } from "./serial-console.ts";
import { requireSupported } from "./supported.ts";
import { SoftwareTpm } from "./tpm.ts";

export interface VirtualMachineOptions {
  qemuBinary: string;
  /** Where answers of QEMU are kept; absolute. Default: in this process only. */
  cacheDirectory?: string | undefined;
  accelerator: Accelerator;
  machine: ResolvedMachine;
  /** In a folder of this machine's own. */
  disk: MachineDisk;
  network: MachineNetwork;
  /** Places for {@link VirtualMachine.insertDisk}; default none. See data-disks.ts. */
  diskSlots?: number | undefined;
  /** Read-only; they belong to the caller and outlive the machine. Default: none. See cdroms.ts. */
  cdroms?: readonly Cdrom[] | undefined;
  /** Default: the disk. */
  bootFrom?: BootFrom | undefined;
  /** Default: anonymous. A machine with a state is paused until {@link VirtualMachine.resume}. */
  memory?: MachineMemory | undefined;
  /** What the captured machine had in its places, by their number; for a machine with a state. Default: nothing. */
  dataDisks?: ReadonlyMap<number, DataDisk> | undefined;
  /**
   * Called once when the kernel of the guest has panicked, with the machine held at that instant, so that it can be
   * captured; the machine is killed when this settles. Default: it is killed at once.
   */
  onPanic?: ((vm: VirtualMachine) => Promise<unknown>) | undefined;
  /** For sockets; a short absolute path, of this machine alone. */
  runDirectory: string;
  /** Becomes the machine's: disposed when it is gone, and when it does not start. */
  resources: Scope;
  signal?: AbortSignal | undefined;
}

/** How a machine ended. */
export interface VmEnd {
  readonly cause: VmEndCause;
  /** A sentence without the machine's name. */
  readonly message: string;
  /** The end of what the guest wrote to its serial console; "" if it wrote nothing. */
  readonly consoleTail: string;
  /** What went wrong before, in the order it was found. */
  readonly notices: readonly VmNotice[];
  /** QEMU has ended in order: all that its guest had written is in the files of its disks. */
  readonly orderly: boolean;
}

const NETWORK_FD = FIRST_SOCKET_FD;
const MONITOR_FD = FIRST_SOCKET_FD + 1;
const WAKE_FD = FIRST_SOCKET_FD + 2;
const CONSOLE_FD = FIRST_SOCKET_FD + 3;
const SOCKETS = 4;
const TPM_FD = FIRST_SOCKET_FD + SOCKETS;

const MAX_TROUBLES = 20;
const QUIT_TIMEOUT_MS = 30_000;
const ANONYMOUS: MachineMemory = { kind: "anonymous" };

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
      const { machine, disk, qemuBinary, cacheDirectory } = options;
      const capabilities = await requireSupported(machine, disk, { qemuBinary, cacheDirectory });
      options.signal?.throwIfAborted();
      await mkdir(options.runDirectory, { recursive: true, mode: 0o700 });
      const own = dirname(disk.diskFile);
      const build = machine.firmware === "bios" ? undefined : chooseFirmware(machine, capabilities.firmware);
      const firmware = build && (await prepareFirmware(build, own));
      const tpm = machine.tpm ? options.resources.use(await SoftwareTpm.start(join(own, "tpm"))) : undefined;
      const args = buildArguments(machine, {
        vncSocket,
        firmware,
        clockRate: await readClockRate(),
        tpmFd: tpm && TPM_FD,
        accelerator: options.accelerator,
        disk,
        memory: options.memory ?? ANONYMOUS,
        netdev: options.network.netdev(NETDEV_ID, NETWORK_FD),
        monitorFd: MONITOR_FD,
        wakeFd: WAKE_FD,
        consoleFd: CONSOLE_FD,
        diskSlots: options.diskSlots,
        cdroms: options.cdroms,
        bootFrom: options.bootFrom,
      });
      vm = new VirtualMachine(
        HostProcess.start([...options.network.enter, qemuBinary, ...args], {
          sockets: SOCKETS,
          inherited: tpm === undefined ? [] : [tpm.socket],
        }),
        options,
        vncSocket,
      );
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
        for (const [slot, disk] of options.dataDisks ?? []) await addDisk(monitor, slot, disk);
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
      const changeDisk = (file: string) => this.#changeDisk(monitor, file);
      return await takeCheckpoint({ monitor, socketPath: this.#stateSocket, changeDisk }, options);
    });
  }

  /** The file it has written to so far lies below the new one, and is only read. */
  async #changeDisk(monitor: QmpClient, file: string): Promise<void> {
    const node = `disk0-${++this.#diskChanges}`;
    const cache = { "no-flush": !this.#isDurable, direct: false };
    await monitor.execute("blockdev-add", {
      ...{ driver: "qcow2", "node-name": node, backing: null, cache, discard: "unmap", "detect-zeroes": "unmap" },
      file: { driver: "file", filename: file, cache },
    });
    await monitor.execute("blockdev-snapshot", { node: "disk0", overlay: node });
    this.#diskFile = file;
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
      await addDisk(monitor, slot, disk);
      this.#dataDisks.set(slot, disk);
      // It has this size already; what counts is that the guest hears of it.
      await monitor.execute("block_resize", { "node-name": diskNames(slot).full, size: disk.sizeBytes });
    });
  }

  /**
   * Takes a disk out again. When this resolves QEMU has written all of it to its file, and closed it; what the guest
   * writes later goes nowhere.
   */
  async ejectDisk(slot: number): Promise<void> {
    const { empty, full } = diskNames(slot);
    await this.#inTurn(async (monitor) => {
      await fillPlace(monitor, slot, empty);
      this.#dataDisks.delete(slot);
      await monitor.execute("blockdev-del", { "node-name": full });
    });
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
    const consoleTail = this.console.tail;
    const cause = causeOf(this.#life.cause ?? "qemu-died", notices);
    const panic = notices.find(({ kind }) => kind === "kernel-panic");
    const message = cause === "guest-panic" && panic !== undefined ? panic.message : describeEnd(cause, exit);
    return { cause, message, consoleTail, notices, orderly: exit.exitCode === 0 };
  }
}

async function addDisk(monitor: QmpClient, slot: number, { diskFile, format }: DataDisk): Promise<void> {
  const { full } = diskNames(slot);
  // Nothing of it needs to survive a crash of the host before the disk is taken out again.
  const cache = { "no-flush": true, direct: false };
  await monitor.execute("blockdev-add", {
    ...{ driver: format, "node-name": full, cache, discard: "unmap", "detect-zeroes": "unmap" },
    file: { driver: "file", filename: diskFile, cache },
  });
  await fillPlace(monitor, slot, full);
}

async function fillPlace(monitor: QmpClient, slot: number, node: string): Promise<void> {
  const { device } = diskNames(slot);
  await monitor.execute("qom-set", { path: `/machine/peripheral/${device}`, property: "drive", value: node });
}

/** A kernel that panics without telling QEMU restarts its machine, or powers it off, and says why on the console. */
function causeOf(cause: VmEndCause, notices: readonly VmNotice[]): VmEndCause {
  const panicked = notices.some(({ kind }) => kind === "kernel-panic");
  return panicked && (cause === "guest-reset" || cause === "guest-shutdown") ? "guest-panic" : cause;
}

function describeEnd(cause: VmEndCause, { exitCode, signal, stderrTail }: ProcessExit): string {
  switch (cause) {
    case "killed":
      return "the machine was thrown away";
    case "guest-shutdown":
      return "the guest powered its machine off";
    case "guest-reset":
      return "the guest restarted its machine";
    case "guest-panic":
      return "the kernel of the guest panicked";
    case "disk-full":
      return "the host's disk is full, and the disk of the machine could not be written";
    case "qemu-died": {
      const how = signal === undefined ? `with exit code ${exitCode}` : `by ${signal}`;
      return `QEMU ended ${how}${stderrTail === "" ? "" : `: ${stderrTail}`}`;
    }
  }
}
