/** A worker in this process, with real machines, a queue of the test, and the folders of a {@link Boxcar}. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Scope } from "../../src/base/scope.ts";
import { type Config, resolveConfig } from "../../src/config/config.ts";
import { currentSurroundings } from "../../src/config/host-facts.ts";
import { FEATURES } from "../../src/feature/all.ts";
import { ImageStore } from "../../src/image/store/image-store.ts";
import { MachineNetworks } from "../../src/sandbox/machine-networks.ts";
import { openSnapshots } from "../../src/snapshot/open-snapshots.ts";
import { HostRun } from "../../src/worker/host-run.ts";
import { HostRuns } from "../../src/worker/lookup/host-runs.ts";
import type { WorkerStatus } from "../../src/worker/status.ts";
import { hostFolders, type TaskHost } from "../../src/worker/task-host.ts";
import { Worker } from "../../src/worker/worker.ts";
import { FakeQueue } from "../fakes/fake-queue.ts";
import type { Boxcar } from "./boxcar.ts";

export class WorkerInProcess implements AsyncDisposable {
  readonly queue = new FakeQueue();
  readonly worker: Worker;
  readonly config: Config;
  readonly #scope: Scope;
  #changed = Promise.withResolvers<void>();

  private constructor(host: TaskHost, scope: Scope) {
    this.config = host.config;
    this.#scope = scope;
    const changed = () => this.#change();
    this.worker = Worker.start({
      queue: this.queue,
      settings: host.config.worker,
      maxMemoryMiB: 256,
      room: async () => ({ memoryMiB: 2 ** 20, diskBytes: 2 ** 50 }),
      open: (claim) => new HostRun(claim, host, changed),
      onChange: changed,
    });
    scope.defer(async () => {
      this.worker.stop("the test is over");
      await this.worker.done;
    });
  }

  static async open(
    boxcar: Boxcar,
    config: { images?: object; worker?: object; features?: object } = {},
  ): Promise<WorkerInProcess> {
    await using scope = new Scope();
    const { directory, images } = boxcar;
    const folders = { stateDir: join(directory, "state"), runDir: join(directory, "run") };
    const worker = { capacity: 2 };
    const document = {
      ...folders,
      worker,
      ...config,
      images: { directory: images, allowPaths: true, ...config.images },
    };
    const resolved = resolveConfig(document, { ...currentSurroundings({}), env: {} });
    const store = scope.use(await ImageStore.open({ directory: images }));
    const { networks: cacheDirectory } = hostFolders(resolved);
    const networks = scope.use(await MachineNetworks.open({ settings: resolved.network, cacheDirectory }));
    const snapshots = await openSnapshots(resolved, store);
    const runs = new HostRuns({ tasks: undefined, runsFolder: join(directory, "state", "runs") });
    const host: TaskHost = {
      config: resolved,
      images: store,
      snapshots,
      pool: undefined,
      networks,
      agentFile: () => undefined,
      chooseAccelerator: async () => "tcg",
      features: FEATURES,
      manifestKey: undefined,
      workerId: "a-worker",
      runs,
      observer: undefined,
      logger: { log() {} },
    };
    return new WorkerInProcess(host, scope.move());
  }

  /** Resolves when the worker says so of itself. */
  async until(condition: (status: WorkerStatus) => boolean): Promise<void> {
    while (!condition(this.worker.status)) await this.#changed.promise;
  }

  /** The log of a run that is not with the queue. */
  async log(taskId: string, runId = 0): Promise<string> {
    return await readFile(join(this.config.stateDir, "runs", taskId, String(runId), "task.log"), "utf8");
  }

  #change(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#scope[Symbol.asyncDispose]();
  }
}
