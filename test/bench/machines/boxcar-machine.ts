/** The same by Boxcar: the machine of a task that may be saved, and what goes on from that. */
import { mkdir } from "node:fs/promises";
import { PassThrough } from "node:stream";
import { Scope } from "../../../src/base/scope.ts";
import { createMove, type GuestFork } from "../../../src/guest/guest-move.ts";
import { GuestSession, type GuestSessionOptions } from "../../../src/guest/guest-session.ts";
import { createMetadataService } from "../../../src/guest/metadata-service.ts";
import { createUpgradeListener } from "../../../src/guest/upgrade-listener.ts";
import { createIdentity } from "../../../src/guest/wake.ts";
import { type LaunchedMachine, type LaunchOptions, launch } from "../../../src/sandbox/launch.ts";
import { recordedMachine } from "../../../src/snapshot/restore-machine.ts";
import { saveMachine } from "../../../src/snapshot/save-machine.ts";
import type { SavedMachine } from "../../../src/snapshot/saved-machine.ts";
import type { SnapshotStore } from "../../../src/snapshot/snapshot-store.ts";
import { FILLED, fillingTask, heartbeat } from "./beating-guest.ts";

/** As a fork says that it runs. */
const FORKED = "forked";

export class BoxcarMachine implements AsyncDisposable {
  readonly guest: GuestSession;
  readonly #options: LaunchOptions;
  readonly #launched: LaunchedMachine;
  readonly #scope: Scope;

  private constructor(options: LaunchOptions, launched: LaunchedMachine, guest: GuestSession, scope: Scope) {
    this.#options = options;
    this.#launched = launched;
    this.guest = guest;
    this.#scope = scope;
  }

  /** Boots one; resolves when its guest beats. `firstContactMs` is how long it took to ask for its task. */
  static async boot(options: LaunchOptions): Promise<{ boxcar: BoxcarMachine; firstContactMs: number }> {
    await using scope = new Scope();
    const begin = performance.now();
    const launched = await launch(options, { kind: "savable" });
    scope.use(launched.vm);
    const log = new PassThrough();
    const filled = untilLogged(log, FILLED);
    const guest = meet(scope, launched, { task: fillingTask(options.machine.memory), log });
    await launched.wakeLine.parked;
    launched.wakeLine.wake(createIdentity("boxcar"));
    await guest.firstContact;
    const firstContactMs = performance.now() - begin;
    await filled;
    const boxcar = new BoxcarMachine(options, launched, guest, scope.move());
    await boxcar.beat();
    return { boxcar, firstContactMs };
  }

  /** Goes on with its command; resolves when its guest beats. */
  static async goOn(options: LaunchOptions, saved: SavedMachine): Promise<BoxcarMachine> {
    const move = createMove({ task: fillingTask(options.machine.memory) });
    const boxcar = await BoxcarMachine.#restore(options, saved, { move, log: new PassThrough().resume() });
    await boxcar.beat();
    return boxcar;
  }

  /** Goes on with another command; resolves when that has printed something. */
  static async fork(options: LaunchOptions, saved: SavedMachine, fork: GuestFork): Promise<BoxcarMachine> {
    const log = new PassThrough();
    const printed = untilLogged(log, FORKED);
    const task = { command: ["echo", FORKED], env: {}, tty: false, runId: 0 };
    const boxcar = await BoxcarMachine.#restore(options, saved, { move: createMove({ fork }), task, log });
    await printed;
    return boxcar;
  }

  static async #restore(options: LaunchOptions, saved: SavedMachine, session: GuestSessionOptions) {
    await using scope = new Scope();
    if (options.ownDirectory !== undefined) await mkdir(options.ownDirectory);
    const launched = await launch(options, { kind: "restore", saved });
    scope.use(launched.vm);
    const guest = meet(scope, launched, session);
    await launched.vm.resume();
    if (session.move !== undefined) launched.wakeLine.move(session.move, createIdentity("copy"));
    return new BoxcarMachine(options, launched, guest, scope.move());
  }

  beat(): Promise<void> {
    return heartbeat((hear) => this.#launched.vm.console.follow(hear));
  }

  async save(snapshots: SnapshotStore): Promise<SavedMachine & { stillMs: number }> {
    const { image, machine } = this.#options;
    if (this.#launched.savable === undefined) throw new Error("the machine cannot be saved");
    return await saveMachine(snapshots, this.#launched.savable, {
      facts: {
        ...{ kind: "vm", created: new Date().toISOString(), source: { vm: { id: "0123456789ab" } } },
        ...{ image: { digest: image.image.digest }, machine: recordedMachine(machine) },
        ...{ accelerator: "tcg", qemu: "here", cpu: "this one" },
      },
    });
  }

  async hold(): Promise<void> {
    await this.#launched.vm.pause();
  }

  async letGo(): Promise<void> {
    await this.#launched.vm.resume();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#scope[Symbol.asyncDispose]();
  }
}

function meet(scope: Scope, { network }: LaunchedMachine, options: GuestSessionOptions): GuestSession {
  const guest = scope.use(new GuestSession(options));
  guest.resolved.catch(() => {});
  network.setHandler(createMetadataService(guest));
  network.setUpgradeHandler(createUpgradeListener(guest));
  return guest;
}

function untilLogged(log: PassThrough, text: string): Promise<void> {
  return new Promise((resolve) => log.on("data", (chunk: Buffer) => chunk.includes(text) && resolve()));
}
