/**
 * A disposable machine for one task: image, network, guest and QEMU joined.
 *
 *   start ──▶ resumed from a snapshot, or about to boot ──▶ guest in contact ──▶ disposed
 *
 * *Owns* the machine and, through it, overlay, network, sockets and folders;
 * *borrows* the image lease and the log. The end of the machine fails all that
 * is pending with its guest, so nobody waits for a dead guest.
 */
import type { Writable } from "node:stream";
import { orAborted, orTimeout } from "../base/abort.ts";
import { messageOf } from "../base/errors.ts";
import { formatDuration } from "../base/units.ts";
import type { StoredCheckpoint } from "../guest/guest-checkpoints.ts";
import type { GuestMove } from "../guest/guest-move.ts";
import { GuestSession } from "../guest/guest-session.ts";
import type { GuestTask } from "../guest/guest-task.ts";
import { createMetadataService } from "../guest/metadata-service.ts";
import { createUpgradeListener } from "../guest/upgrade-listener.ts";
import type { GuestIdentity } from "../guest/wake.ts";
import type { Snapshot } from "../image/store/snapshots.ts";
import { findSavingObstacle } from "../snapshot/obstacle.ts";
import type { SavableMachine } from "../snapshot/save-machine.ts";
import type { HardwareFacts, SavedMachine } from "../snapshot/saved-machine.ts";
import type { VirtualMachine } from "../vm/virtual-machine.ts";
import type { Beginning } from "./beginning.ts";
import { identify } from "./cloud-init.ts";
import { GuestGoneError, GuestSilentError } from "./errors.ts";
import { type LaunchedMachine, launch } from "./launch.ts";
import { isNetworkFault } from "./machine-networks.ts";
import type { MachinePool } from "./machine-pool.ts";
import { hardwareFacts, requireMemoryRoom } from "./savable.ts";
import { dropSnapshot, obtainSnapshot, type WarmStartOptions } from "./warm-start.ts";

export interface SandboxOptions extends WarmStartOptions {
  /** May come later, by `guest.setTask`. */
  task?: GuestTask | undefined;
  /** What the guest becomes when it is woken. */
  identity: GuestIdentity;
  /** Gets what the task prints. */
  log: Writable;
  maxLogBytes: number;
  onLogLimit: () => void;
  /** Where the serial console is kept; absolute, written anew. Default: nowhere. */
  consoleLog?: string | undefined;
  /** Boot even where a snapshot could be resumed. */
  cold: boolean;
  /** Where machines may be ready. Those are not savable, so who asks for that gets none of them. */
  pool?: MachinePool | undefined;
  /**
   * The machine is to be one that can be saved at any instant, if it can be and there is room for its memory on the
   * disk; if not the log is told why. Default: no.
   */
  savable?: boolean | undefined;
  /**
   * Called once when the kernel of the guest has panicked, with the machine held at that instant; it is killed when this
   * settles. Only for a machine that is savable.
   */
  onPanic?: ((machine: SavableMachine) => Promise<unknown>) | undefined;
  /** What its guest asks to be kept of it; default: it is told that there are no checkpoints. */
  checkpoints?: SandboxCheckpoints | undefined;
  /**
   * It goes on where a saved one was, with the image, the hardware and the places for disks of that, instead of all that
   * is said above of its beginning. The caller holds a lease on what was saved, until this has started.
   */
  from?: { readonly saved: SavedMachine; readonly move: GuestMove } | undefined;
  /** Says what the machine may reach, before its guest goes on; without it that is nothing. */
  onNetwork?: ((machine: Pick<LaunchedMachine, "network" | "egress">) => Promise<void>) | undefined;
}

export interface SandboxCheckpoints {
  readonly max: number;
  save(machine: Sandbox, name: string, signal: AbortSignal): Promise<StoredCheckpoint>;
}

/** A resumed guest is there within a fraction of a second; one that is not never will be. */
const RESUME_TIMEOUT_MS = 20_000;

export class Sandbox implements AsyncDisposable {
  readonly vm: VirtualMachine;
  readonly guest: GuestSession;
  /** What it was resumed from; undefined if it booted. */
  readonly snapshot: Snapshot | undefined;
  /** It was resumed before there was a task for it. */
  readonly wasPooled: boolean;
  /** What can be saved at any instant; undefined: it was not asked for, or cannot be. */
  readonly savable: SavableMachine | undefined;
  readonly #hardware: () => Promise<HardwareFacts>;

  private constructor(machine: LaunchedMachine, options: SandboxOptions, snapshot?: Snapshot, wasPooled = false) {
    const { vm, network, wakeLine, cloudInit } = machine;
    const { task, log, maxLogBytes, onLogLimit, agentFile, consoleLog, checkpoints, from } = options;
    this.vm = vm;
    this.savable = machine.savable;
    this.#hardware = () => hardwareFacts(options);
    this.guest = new GuestSession({
      ...{ task, log, maxLogBytes, onLogLimit },
      move: from?.move,
      onCheckpoint: checkpoints && ((name, signal) => checkpoints.save(this, name, signal)),
      maxCheckpoints: checkpoints?.max,
    });
    this.snapshot = snapshot;
    this.wasPooled = wasPooled;
    if (consoleLog !== undefined) vm.console.recordTo(consoleLog);
    network.setHandler(createMetadataService(this.guest, { agentFile, cloudInit }));
    network.setUpgradeHandler(createUpgradeListener(this.guest));
    // A guest that boots says when it is ready; one that is resumed was.
    if (snapshot === undefined && from === undefined) {
      // cloud-init has made what must be its own.
      const booted = cloudInit !== undefined;
      void wakeLine.parked.then(() => wakeLine.wake(identityOf(options), { booted }));
    }
    // What follows from it, the end of the machine, says less.
    void network.closed.then((error) => {
      if (error !== undefined) this.guest.close(error);
    });
    void vm.ending.then(async () => {
      // The log that has arrived is read to its end before anybody hears of it.
      const end = await vm.done;
      this.guest.close(new GuestGoneError(end));
    });
  }

  /** Starts the machine. When this resolves its guest is in contact, if it was resumed, or about to boot. */
  static async start(asked: SandboxOptions): Promise<Sandbox> {
    if (asked.from !== undefined) return await Sandbox.#continue(asked, asked.from);
    const options = await withSavable(asked);
    const snapshot = options.cold ? undefined : await obtainSnapshot(launchOptions(options));
    if (snapshot === undefined) return await Sandbox.#boot(options);
    let sandbox: Sandbox;
    try {
      sandbox = await Sandbox.#resume(options, snapshot);
    } catch (error) {
      options.signal.throwIfAborted();
      // No snapshot is at fault, and no machine would have a better one.
      if (isNetworkFault(error)) throw error;
      options.pool?.forget(snapshot);
      await dropSnapshot(snapshot, messageOf(error), launchOptions(options));
      return await Sandbox.#boot(options);
    }
    // Its task has begun: what is kept for later ones must not disturb it.
    await options.image.snapshots.noteUse(snapshot).catch(() => {});
    options.pool?.noteUse(snapshot, launchOptions(options));
    return sandbox;
  }

  /** @throws {ImageError} `disk-space-low`; what {@link launch} throws. There is no other way to start it. */
  static async #continue(options: SandboxOptions, { saved, move }: NonNullable<SandboxOptions["from"]>) {
    await requireMemoryRoom(options.stateParent, options.machine);
    const machine = await start(options, { kind: "restore", saved });
    const sandbox = new Sandbox(machine, options);
    return await sandbox.#goOn(machine, options, () => {
      machine.wakeLine.move(move, identityOf(options));
      return options.bootTimeoutMs;
    });
  }

  static async #boot(options: SandboxOptions): Promise<Sandbox> {
    const machine = await start(options, options.savable ? { kind: "savable" } : { kind: "boot" });
    const sandbox = new Sandbox(machine, options);
    try {
      await options.onNetwork?.(machine);
      return sandbox;
    } catch (error) {
      await sandbox[Symbol.asyncDispose]();
      throw error;
    }
  }

  static async #resume(options: SandboxOptions, snapshot: Snapshot): Promise<Sandbox> {
    const ready = options.pool?.take(snapshot);
    if (ready !== undefined) {
      try {
        return await Sandbox.#wake(ready, options, snapshot, true);
      } catch {
        // It may have been killed while it waited, which is not the snapshot's fault.
        options.signal.throwIfAborted();
      }
    }
    const beginning: Beginning = options.savable ? { kind: "savable", booted: snapshot } : { kind: "resume", snapshot };
    return await Sandbox.#wake(await start(options, beginning), options, snapshot);
  }

  static async #wake(
    machine: LaunchedMachine,
    options: SandboxOptions,
    snapshot: Snapshot,
    wasPooled = false,
  ): Promise<Sandbox> {
    const sandbox = new Sandbox(machine, options, snapshot, wasPooled);
    return await sandbox.#goOn(machine, options, () => {
      machine.wakeLine.wake(identityOf(options));
      return RESUME_TIMEOUT_MS;
    });
  }

  /** @param tell Says to the guest who it is, when its machine runs; returns how long it may take to answer. */
  async #goOn(machine: LaunchedMachine, options: SandboxOptions, tell: () => number): Promise<Sandbox> {
    try {
      await options.onNetwork?.(machine);
      await machine.vm.resume();
      await this.waitForGuest(tell(), options.signal);
      return this;
    } catch (error) {
      await this[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** What a record of the machine says of its hardware, if it is saved. */
  async hardwareFacts(): Promise<HardwareFacts> {
    return await this.#hardware();
  }

  /**
   * Resolves when the guest has called home.
   *
   * @throws {GuestSilentError} It did not within `timeoutMs`; {@link GuestGoneError}; `signal.reason`.
   */
  async waitForGuest(timeoutMs: number, signal: AbortSignal): Promise<void> {
    const silent = () => {
      return new GuestSilentError(
        `the guest did not call home within ${formatDuration(timeoutMs)}`,
        this.vm.console.tail,
      );
    };
    const expired = Symbol("expired");
    const contact = orTimeout(this.guest.firstContact, timeoutMs, () => new Error("boot time-out", { cause: expired }));
    try {
      await orAborted(contact, signal);
    } catch (error) {
      if (error instanceof Error && error.cause === expired) throw silent();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.vm[Symbol.asyncDispose]();
    await this.guest[Symbol.asyncDispose]();
  }
}

function identityOf({ identity, machine }: SandboxOptions): GuestIdentity {
  return identify(identity, machine);
}

/** Without what a pool cannot give, and what cannot be is not asked for. */
async function withSavable(options: SandboxOptions): Promise<SandboxOptions> {
  if (options.savable !== true) return options;
  const { pool: _pool, ...rest } = options;
  const why = findSavingObstacle(options.machine) ?? (await findLackOfRoom(options));
  if (why === undefined) return rest;
  options.note(`warning: this machine cannot be saved: ${why}`);
  return { ...options, savable: false };
}

async function findLackOfRoom({ stateParent, machine }: SandboxOptions): Promise<string | undefined> {
  try {
    await requireMemoryRoom(stateParent, machine);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

function launchOptions({ onPanic: _onPanic, ...options }: SandboxOptions): WarmStartOptions {
  return options;
}

async function start(options: SandboxOptions, beginning: Beginning): Promise<LaunchedMachine> {
  const { onPanic } = options;
  // Of one that boots, cloud-init is the first to say what it is called.
  const named = { ...launchOptions(options), hostname: identityOf(options).hostname };
  const onGuestPanic = async () => {
    const { savable } = await launched;
    if (savable !== undefined) await onPanic?.(savable);
  };
  const launched: Promise<LaunchedMachine> = launch(
    onPanic === undefined ? named : { ...named, onPanic: onGuestPanic },
    beginning,
  );
  return await launched;
}
