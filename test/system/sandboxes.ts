/** Sandboxes of the default image, in this process, from the folders of a {@link Boxcar}. */
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { Scope } from "../../src/base/scope.ts";
import type { MachineOverrides } from "../../src/generated/machine.ts";
import type { GuestTask } from "../../src/guest/guest-task.ts";
import { createIdentity } from "../../src/guest/wake.ts";
import type { ImageLease } from "../../src/image/store/image-lease.ts";
import { ImageStore } from "../../src/image/store/image-store.ts";
import type { MachineNetworks } from "../../src/sandbox/machine-networks.ts";
import type { MachinePool } from "../../src/sandbox/machine-pool.ts";
import { Sandbox } from "../../src/sandbox/sandbox.ts";
import { chooseDiskSlots } from "../../src/vm/data-disks.ts";
import { resolveMachine } from "../../src/vm/limits.ts";
import { openNetworks } from "../fixtures/network/machine-networks.ts";
import type { Boxcar } from "./boxcar.ts";

const IMAGE = "debian-minimal";

export function taskOf(script: string): GuestTask {
  return { command: ["sh", "-c", script], env: {}, tty: false, runId: 0 };
}

interface StartOptions {
  task?: GuestTask;
  memory?: number;
  pool?: MachinePool | undefined;
  cold?: boolean;
  disks?: number;
  machine?: MachineOverrides;
}

export class Sandboxes implements AsyncDisposable {
  /** What the sandboxes have noted. */
  readonly notes: string[] = [];
  readonly store: ImageStore;
  readonly #boxcar: Boxcar;
  readonly #networks: MachineNetworks;

  private constructor(boxcar: Boxcar, store: ImageStore, networks: MachineNetworks) {
    this.#boxcar = boxcar;
    this.store = store;
    this.#networks = networks;
  }

  /** @param network Section of the configuration; default: mode user. */
  static async open(boxcar: Boxcar, network?: object): Promise<Sandboxes> {
    const networks = await openNetworks(boxcar.directory, network);
    return new Sandboxes(boxcar, await ImageStore.open({ directory: boxcar.images }), networks);
  }

  /** Runs a command in a machine of its own to its end; resolves with its output and what the machine came from. */
  async run(script: string, options: { memory?: number; pool?: MachinePool } = {}) {
    await using image = await this.store.acquire(IMAGE);
    const log = new PassThrough();
    const output = log.setEncoding("utf8").toArray();
    await using sandbox = await this.#start(image, log, { ...options, task: taskOf(script) });
    const { success } = await sandbox.guest.resolved;
    log.end();
    return { success, output: (await output).join(""), snapshot: sandbox.snapshot?.id, pid: sandbox.vm.pid };
  }

  /** Runs commands one after another in one machine; resolves with their exit codes and what they have printed. */
  async runSteps(scripts: readonly string[], options: { cold: boolean }) {
    await using image = await this.store.acquire(IMAGE);
    const log = new PassThrough();
    const output = log.setEncoding("utf8").toArray();
    await using sandbox = await this.#start(image, log, options);
    const exitCodes: (number | undefined)[] = [];
    for (const [index, script] of scripts.entries()) {
      const { exitCode } = await sandbox.guest.run(taskOf(script), { more: index < scripts.length - 1 });
      exitCodes.push(exitCode);
    }
    log.end();
    return { exitCodes, output: (await output).join(""), resumed: sandbox.snapshot !== undefined };
  }

  /** Starts a machine with room for some disks, whose guest has no task yet. */
  async startWithDisks(disks: number, options: Omit<StartOptions, "disks"> = {}) {
    await using scope = new Scope();
    const image = scope.use(await this.store.acquire(IMAGE));
    const sandbox = scope.use(await this.#start(image, new PassThrough().resume(), { ...options, disks }));
    const owned = scope.move();
    return { sandbox, [Symbol.asyncDispose]: () => owned[Symbol.asyncDispose]() };
  }

  #start(image: ImageLease, log: PassThrough, options: StartOptions) {
    const { task, memory = 256, pool, cold = false, disks = 0 } = options;
    const machine = resolveMachine(
      { payload: { memory, cores: 1, ...options.machine }, image: image.image.machine },
      { maxMemory: memory, maxCPUs: 1, defaultThreads: 1 },
    );
    return Sandbox.start({
      image,
      machine,
      diskSlots: chooseDiskSlots(machine, disks),
      accelerator: "tcg",
      qemuBinary: "qemu-system-x86_64",
      networks: this.#networks,
      task,
      identity: createIdentity("a-task"),
      log,
      maxLogBytes: 1_000_000,
      onLogLimit: () => {},
      agentFile: () => undefined,
      cold,
      pool,
      bootTimeoutMs: 60_000,
      note: (text) => this.notes.push(text),
      runParent: join(this.#boxcar.directory, "run/m"),
      stateParent: join(this.#boxcar.directory, "state/machines"),
      cacheDirectory: join(this.#boxcar.directory, "state/cache"),
      signal: new AbortController().signal,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.store[Symbol.asyncDispose]();
    await this.#networks[Symbol.asyncDispose]();
  }
}
