/**
 * Long-lived machines, as whoever has some uses them: the port.
 *
 * A machine is said by its id, its name, or the beginning of its id. Any number of processes may use the machines of one
 * host at once; of two that want to change one machine, one does, and the other gets `vm-busy`. Methods may be called
 * again after a failure, or after the process that called them was killed.
 */
import type { Duplex, Readable } from "node:stream";
import type { WebSocket } from "ws";
import type { VmRecord } from "../generated/vm-record.ts";
import type { VmFacts } from "./control-client.ts";
import type { VmSpec } from "./spec.ts";
import type { VmState } from "./states.ts";

export interface VmView {
  /** With the state as it is in truth. */
  readonly record: VmRecord;
  /** Its record says that it runs, and its processes are gone; the next command puts that right. */
  readonly isStale: boolean;
}

export interface CreateOptions {
  readonly userData?: string | undefined;
  readonly signal: AbortSignal;
}

export interface StartOptions {
  /** Told what happens, in sentences. */
  readonly note?: ((text: string) => void) | undefined;
  /** Resolve only when the guest is in contact. */
  readonly wait?: boolean | undefined;
  /** Boot from its disk, whatever it was to go on from: what was in its memory is lost. */
  readonly cold?: boolean | undefined;
  readonly signal: AbortSignal;
}

export interface StopVmOptions {
  /** Do not ask the guest. */
  readonly force?: boolean | undefined;
  /** How long the guest may take; default 30 s. */
  readonly politeMs?: number | undefined;
  readonly signal: AbortSignal;
}

export interface ExecVmOptions {
  readonly env?: readonly string[] | undefined;
  readonly user?: string | undefined;
  readonly cwd?: string | undefined;
  /** It is ended then, with what it has started; default: never. */
  readonly timeoutMs?: number | undefined;
  /** Gets stdout and stderr, in the order they were written. */
  readonly onOutput: (chunk: Buffer) => void;
  readonly signal: AbortSignal;
}

export interface SaveVmOptions {
  /** What the snapshot is called; no other one has the name. */
  readonly name?: string | undefined;
  readonly description?: string | undefined;
  /** From when on it may be removed; default: never. */
  readonly expires?: Date | undefined;
  readonly signal: AbortSignal;
}

export interface SavedVm {
  /** Of the snapshot. */
  readonly id: string;
  readonly diskBytes: number;
  /** How long the machine stood still. */
  readonly stillMs: number;
}

export interface VmEvent {
  readonly time: string;
  readonly id: string;
  readonly name?: string;
  readonly event: "seen" | "made" | "changed" | "removed";
  readonly state: VmState;
  readonly before?: VmState;
  readonly reason?: string;
}

export interface ReclaimedVm {
  readonly id: string;
  readonly done: "removed" | "stopped";
}

/** One machine that runs. */
export interface LiveVm {
  inspect(signal: AbortSignal): Promise<VmFacts>;
  /** Resolves when its guest is in contact. @throws {VmError} `vm-silent` */
  waitForGuest(signal: AbortSignal): Promise<void>;
  /** Runs a command to its end; resolves with its exit code. @throws {VmError} `vm-timeout`: it was ended. */
  exec(command: readonly string[], options: ExecVmOptions): Promise<number>;
  /** With the messages of guest/shell-protocol.ts. */
  openShell(
    shell: { tty?: boolean; command?: readonly string[]; env?: readonly string[]; user?: string; cwd?: string },
    signal: AbortSignal,
  ): Promise<WebSocket>;
  /** What came last on the serial console, and what comes; what is written is typed. */
  openConsole(signal: AbortSignal): Promise<Duplex>;
  /** RFB, as QEMU speaks it. */
  openDisplay(signal: AbortSignal): Promise<WebSocket>;
  /** A TCP connection to a port of the guest. */
  connect(port: number, signal: AbortSignal): Promise<Duplex>;
  /** A PNG. */
  screenshot(signal: AbortSignal): Promise<Readable>;
  getFile(path: string, signal: AbortSignal): Promise<Readable>;
  listFolder(path: string, signal: AbortSignal): Promise<readonly string[]>;
  putFile(
    path: string,
    content: Readable,
    options: { mode?: number; user?: string; signal: AbortSignal },
  ): Promise<void>;
  /** A command of the backend's own monitor, for people who know it. */
  monitor(command: { name: string; arguments?: string } | { line: string }, signal: AbortSignal): Promise<unknown>;
}

export interface Hypervisor {
  /** Such as `qemu`. */
  readonly backend: string;

  /** @throws {VmError} `vm-name-taken`, `vm-invalid`; what the image store throws. Nothing is left then. */
  create(spec: VmSpec, options: CreateOptions): Promise<VmRecord>;
  /** What it would be started with, for people; nothing is made. */
  plan(spec: VmSpec, signal: AbortSignal): Promise<readonly string[]>;
  /** One that runs stays as it is. @throws {VmError} `vm-state`, `vm-busy`; what starting it throws. */
  start(ref: string, options: StartOptions): Promise<VmRecord>;
  /** Asked, then told, then killed; one that does not run stays as it is. */
  stop(ref: string, options: StopVmOptions): Promise<VmRecord>;
  /** One that does not run is started. */
  restart(ref: string, options: StopVmOptions & StartOptions): Promise<VmRecord>;
  pause(ref: string, signal: AbortSignal): Promise<VmRecord>;
  resume(ref: string, signal: AbortSignal): Promise<VmRecord>;
  /**
   * Saves a machine that runs, or is paused, as it is at this instant; it goes on, whatever fails.
   *
   * @throws {VmError} `vm-state`; {@link SnapshotError} `snapshot-exists`; {@link ImageError} `disk-space-low`.
   */
  save(ref: string, options: SaveVmOptions): Promise<SavedVm>;
  /** The oldest first. */
  list(): Promise<readonly VmView[]>;
  /** @throws {VmError} `vm-not-found`, `vm-ambiguous` */
  inspect(ref: string): Promise<VmView>;
  /** With its disk. @throws {VmError} `vm-state`: it runs, and `force` was not said. */
  remove(ref: string, options: { force?: boolean | undefined; signal: AbortSignal }): Promise<void>;
  /** @throws {VmError} `vm-state`: it does not run. */
  open(ref: string): Promise<LiveVm>;
  /** Each machine that there is, and then each change, until the signal fires. */
  watch(signal: AbortSignal): AsyncIterable<VmEvent>;
  /** Puts right what dead processes have left. */
  gc(): Promise<readonly ReclaimedVm[]>;
}
