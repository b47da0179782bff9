/**
 * A disposable machine for one task: image, network, guest and QEMU joined.
 *
 * *Owns* the machine and, through it, overlay, network, sockets and folders;
 * *borrows* the image lease and the log. The end of the machine fails all that
 * is pending with its guest, so nobody waits for a dead guest.
 */
import type { Writable } from "node:stream";
import { orAborted, orTimeout } from "../base/abort.ts";
import { Scope } from "../base/scope.ts";
import { formatDuration } from "../base/units.ts";
import { GuestSession } from "../guest/guest-session.ts";
import type { GuestTask } from "../guest/guest-task.ts";
import { createMetadataService } from "../guest/metadata-service.ts";
import { OwnedDirectory } from "../host/owned-directory.ts";
import type { ImageLease } from "../image/store/image-lease.ts";
import { UserNetwork } from "../network/user-network.ts";
import type { Accelerator } from "../vm/arguments.ts";
import type { ResolvedMachine } from "../vm/limits.ts";
import { VirtualMachine } from "../vm/virtual-machine.ts";
import { GuestGoneError, GuestSilentError } from "./errors.ts";

export interface SandboxOptions {
  image: ImageLease;
  machine: ResolvedMachine;
  task: GuestTask;
  /** Gets what the task prints. */
  log: Writable;
  maxLogBytes: number;
  onLogLimit: () => void;
  /** The agent for a platform such as `linux-x64`, for guests that fetch it; undefined if there is none. */
  agentFile: (platform: string) => string | undefined;
  qemuBinary: string;
  accelerator: Accelerator;
  /** Parents of the machine's own folders: a short one for sockets, a roomy one for the disk. */
  runParent: string;
  stateParent: string;
  signal: AbortSignal;
}

export class Sandbox implements AsyncDisposable {
  readonly vm: VirtualMachine;
  readonly guest: GuestSession;

  private constructor(vm: VirtualMachine, guest: GuestSession) {
    this.vm = vm;
    this.guest = guest;
    void vm.ending.then(async () => {
      // The log that has arrived is read to its end before anybody hears of it.
      const end = await vm.done;
      guest.close(new GuestGoneError(end));
    });
  }

  /** Starts the machine; its guest is about to boot when this resolves. */
  static async start(options: SandboxOptions): Promise<Sandbox> {
    await using scope = new Scope();
    const state = scope.use(await OwnedDirectory.create(options.stateParent));
    const run = scope.use(await OwnedDirectory.create(options.runParent));
    const disk = await options.image.createOverlay(state.path);
    const guest = new GuestSession({
      task: options.task,
      log: options.log,
      maxLogBytes: options.maxLogBytes,
      onLogLimit: options.onLogLimit,
    });
    const network = scope.use(
      await UserNetwork.open({
        mac: options.machine.mac,
        handler: createMetadataService(guest, { agentFile: options.agentFile }),
      }),
    );
    const vm = await VirtualMachine.start({
      qemuBinary: options.qemuBinary,
      accelerator: options.accelerator,
      machine: options.machine,
      disk,
      network,
      runDirectory: run.path,
      stateDirectory: state.path,
      resources: scope.move(),
      signal: options.signal,
    });
    // A guest whose network is gone can neither be heard nor stopped.
    void network.closed.then((error) => {
      if (error !== undefined) vm.kill();
    });
    return new Sandbox(vm, guest);
  }

  /**
   * Resolves when the guest has called home.
   *
   * @throws {GuestSilentError} It did not within `timeoutMs`; {@link GuestGoneError}; `signal.reason`.
   */
  async waitForGuest(timeoutMs: number, signal: AbortSignal): Promise<void> {
    const silent = async () => {
      const tail = await this.vm.consoleTail();
      return new GuestSilentError(`the guest did not call home within ${formatDuration(timeoutMs)}`, tail);
    };
    const expired = Symbol("expired");
    const contact = orTimeout(this.guest.firstContact, timeoutMs, () => new Error("boot time-out", { cause: expired }));
    try {
      await orAborted(contact, signal);
    } catch (error) {
      if (error instanceof Error && error.cause === expired) throw await silent();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.vm[Symbol.asyncDispose]();
    await this.guest[Symbol.asyncDispose]();
  }
}
