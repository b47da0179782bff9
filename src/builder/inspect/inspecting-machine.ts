/**
 * A machine that looks into disks of images, so that the host never reads a file system that others have made.
 *
 *   start ──▶ the disks are in it, under throw-away overlays ──▶ open() ──▶ disposed
 *
 * *Owns* the machine, its overlays and folders; *borrows* the leases of the images it looks into, and the network
 * settings. It reaches nothing, and nothing of it is kept.
 */
import { createReadStream } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { Writable } from "node:stream";
import { Scope } from "../../base/scope.ts";
import type { Config } from "../../config/config.ts";
import type { GuestShell } from "../../guest/guest-shell.ts";
import { createIdentity } from "../../guest/wake.ts";
import { OwnedDirectory } from "../../host/owned-directory.ts";
import type { ImageHooks } from "../../image/source/acquire.ts";
import type { ImageLease } from "../../image/store/image-lease.ts";
import type { ImageStore } from "../../image/store/image-store.ts";
import type { MachineNetworks } from "../../sandbox/machine-networks.ts";
import { Sandbox } from "../../sandbox/sandbox.ts";
import type { Accelerator } from "../../vm/arguments.ts";
import { chooseDiskSlots, diskSerial } from "../../vm/data-disks.ts";
import { resolveMachine } from "../../vm/limits.ts";

export interface InspectorOptions {
  readonly config: Config;
  readonly images: ImageStore;
  /** Asked before a machine starts from the inspector's image. What it throws is thrown. */
  readonly accept?: ImageHooks["accept"];
  /** Image of the machine that looks, which Boxcar's agent is in; a reference. */
  readonly inspector: string;
  readonly networks: MachineNetworks;
  readonly chooseAccelerator: (signal: AbortSignal, note: (text: string) => void) => Promise<Accelerator>;
  /** boxcar-inspect; absolute path. */
  readonly program: string;
  /** Where it may put folders of sockets, which is short, and of disks. */
  readonly runParent: string;
  readonly stateParent: string;
  /** Told what happens, in sentences. */
  readonly note: (text: string) => void;
  readonly signal: AbortSignal;
}

/** Places for as many, whatever is needed: machines with others have another snapshot. */
const MAX_DISKS = 2;
const SECTOR_BYTES = 512;
const PROGRAM = "/run/boxcar-inspect.program";

export class InspectingMachine implements AsyncDisposable {
  readonly #sandbox: Sandbox;
  readonly #sizes: readonly number[];
  readonly #scope: Scope;

  private constructor(sandbox: Sandbox, sizes: readonly number[], scope: Scope) {
    this.#sandbox = sandbox;
    this.#sizes = sizes;
    this.#scope = scope;
  }

  /**
   * @param disks One or two.
   * @throws What the store, the machine and its guest throw; nothing is left then.
   */
  static async start(disks: readonly ImageLease[], options: InspectorOptions): Promise<InspectingMachine> {
    const { signal, stateParent } = options;
    await using scope = new Scope();
    const folder = scope.use(await OwnedDirectory.create(stateParent));
    const sandbox = await startSandbox(scope, options);
    const sizes: number[] = [];
    for (const [slot, disk] of disks.entries()) {
      const directory = join(folder.path, String(slot));
      await mkdir(directory);
      const { diskFile, format } = await disk.createOverlay(directory);
      const sizeBytes = Math.ceil(disk.image.sizes.virtualBytes / SECTOR_BYTES) * SECTOR_BYTES;
      await sandbox.vm.insertDisk(slot, { diskFile, format, sizeBytes });
      sizes.push(sizeBytes);
    }
    await sandbox.guest.putFile(PROGRAM, createReadStream(options.program), { mode: 0o700, user: "root", signal });
    return new InspectingMachine(sandbox, sizes, scope.move());
  }

  /** Starts boxcar-inspect: see src/guest/inspect/main.c. The caller owns it. */
  async open(maxEntries: number, signal: AbortSignal): Promise<GuestShell> {
    const disks = this.#sizes.flatMap((sizeBytes, slot) => [diskSerial(slot), String(sizeBytes)]);
    return await this.#sandbox.guest.openShell({
      command: [PROGRAM, String(maxEntries), ...disks],
      user: "root",
      cwd: "/",
      signal,
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#scope[Symbol.asyncDispose]();
  }
}

async function startSandbox(scope: Scope, options: InspectorOptions): Promise<Sandbox> {
  const { config, images, networks, note, signal, runParent, stateParent } = options;
  const image = scope.use(await images.acquire(options.inspector));
  await options.accept?.(image.image);
  const layers = { payload: undefined, image: image.image.machine, config: config.machine };
  const machine = resolveMachine(layers, config.machineOptions);
  const sandbox = await Sandbox.start({
    ...{ image, machine, networks, note, signal, runParent, stateParent },
    diskSlots: chooseDiskSlots(machine, MAX_DISKS),
    accelerator: await options.chooseAccelerator(signal, note),
    qemuBinary: config.qemu.binary,
    bootTimeoutMs: config.limits.bootTimeoutMs,
    cacheDirectory: join(config.stateDir, "cache"),
    identity: createIdentity("inspect"),
    log: new Writable({ write: (_chunk, _encoding, done) => done() }),
    maxLogBytes: 0,
    onLogLimit: () => {},
    agentFile: () => undefined,
    cold: false,
  });
  scope.use(sandbox);
  await sandbox.waitForGuest(config.limits.bootTimeoutMs, signal);
  return sandbox;
}
