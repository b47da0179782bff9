/** Machines of the default image that can be saved at any instant, in this process, from the folders of a {@link Boxcar}. */
import { join } from "node:path";
import { expect } from "vitest";
import type { Scope } from "../../src/base/scope.ts";
import { ImageStore } from "../../src/image/store/image-store.ts";
import { type LaunchedMachine, type LaunchOptions, launch } from "../../src/sandbox/launch.ts";
import { obtainSnapshot } from "../../src/sandbox/warm-start.ts";
import { recordedMachine } from "../../src/snapshot/restore-machine.ts";
import { saveMachine } from "../../src/snapshot/save-machine.ts";
import type { SavedMachine } from "../../src/snapshot/saved-machine.ts";
import { SnapshotStore } from "../../src/snapshot/snapshot-store.ts";
import { resolveMachine } from "../../src/vm/limits.ts";
import { openNetworks } from "../fixtures/network/machine-networks.ts";
import type { Boxcar } from "./boxcar.ts";

const MEMORY_MIB = 256;

export class SavableMachines {
  readonly store: ImageStore;
  readonly snapshots: SnapshotStore;
  readonly #options: LaunchOptions;

  private constructor(store: ImageStore, snapshots: SnapshotStore, options: LaunchOptions) {
    this.store = store;
    this.snapshots = snapshots;
    this.#options = options;
  }

  /** @param scope Gets store, image and networks. */
  static async open(boxcar: Boxcar, scope: Scope): Promise<SavableMachines> {
    const store = scope.use(await ImageStore.open({ directory: boxcar.images }));
    const networks = scope.use(await openNetworks(boxcar.directory));
    const directory = join(boxcar.directory, "state/snapshots");
    const snapshots = await SnapshotStore.open({ directory, images: store, reserveBytes: 0 });
    const image = scope.use(await store.acquire("debian-minimal"));
    const machine = resolveMachine(
      { payload: { memory: MEMORY_MIB, cores: 1 }, image: image.image.machine },
      { maxMemory: MEMORY_MIB, maxCPUs: 1, defaultThreads: 1 },
    );
    return new SavableMachines(store, snapshots, {
      ...{ image, machine, networks, accelerator: "tcg", qemuBinary: "qemu-system-x86_64", agentFile: () => undefined },
      runParent: join(boxcar.directory, "run/m"),
      stateParent: join(boxcar.directory, "state/machines"),
      cacheDirectory: join(boxcar.directory, "state/cache"),
      signal: new AbortController().signal,
    });
  }

  /** Of their image. */
  get digest(): string {
    return this.#options.image.image.digest;
  }

  /** Paused, where one that was captured had booted. */
  async launch(): Promise<LaunchedMachine> {
    const booted = await obtainSnapshot({ ...this.#options, bootTimeoutMs: 60_000, note: () => {} });
    return await launch(this.#options, { kind: "savable", booted });
  }

  /** As a task does that makes a checkpoint. */
  async save({ savable }: LaunchedMachine, checkpoint: string): ReturnType<typeof saveMachine> {
    return await saveMachine(this.snapshots, savable ?? expect.fail("it cannot be saved"), {
      facts: {
        ...{ kind: "checkpoint", created: new Date().toISOString(), accelerator: "tcg", qemu: "here", cpu: "this one" },
        source: { task: { taskId: "a-task", runId: 0, checkpoint } },
        image: { digest: this.digest },
        machine: recordedMachine(this.#options.machine),
      },
    });
  }

  /** Paused, all of them. */
  async copy(saved: SavedMachine, count: number): Promise<LaunchedMachine[]> {
    return await Promise.all(Array.from({ length: count }, () => launch(this.#options, { kind: "restore", saved })));
  }
}
