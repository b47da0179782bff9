/** Sandboxes of the default image, in this process, from the folders of a {@link Boxcar}. */
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { createIdentity } from "../../src/guest/wake.ts";
import { ImageStore } from "../../src/image/store/image-store.ts";
import type { MachinePool } from "../../src/sandbox/machine-pool.ts";
import { Sandbox } from "../../src/sandbox/sandbox.ts";
import { resolveMachine } from "../../src/vm/limits.ts";
import type { Boxcar } from "./boxcar.ts";

const IMAGE = "debian-minimal";

export class Sandboxes implements AsyncDisposable {
  /** What the sandboxes have noted. */
  readonly notes: string[] = [];
  readonly store: ImageStore;
  readonly #boxcar: Boxcar;

  private constructor(boxcar: Boxcar, store: ImageStore) {
    this.#boxcar = boxcar;
    this.store = store;
  }

  static async open(boxcar: Boxcar): Promise<Sandboxes> {
    return new Sandboxes(boxcar, await ImageStore.open({ directory: boxcar.images }));
  }

  /** Runs a command in a machine of its own to its end; resolves with its output and what the machine came from. */
  async run(script: string, { memory = 256, pool }: { memory?: number; pool?: MachinePool } = {}) {
    await using image = await this.store.acquire(IMAGE);
    const log = new PassThrough();
    const output = log.setEncoding("utf8").toArray();
    await using sandbox = await Sandbox.start({
      image,
      machine: resolveMachine(
        { payload: { memory, cores: 1 }, image: image.image.machine },
        { maxMemory: memory, maxCPUs: 1, defaultThreads: 1 },
      ),
      accelerator: "tcg",
      qemuBinary: "qemu-system-x86_64",
      task: { command: ["sh", "-c", script], env: {}, tty: false, runId: 0 },
      identity: createIdentity("a-task"),
      log,
      maxLogBytes: 100_000,
      onLogLimit: () => {},
      agentFile: () => undefined,
      cold: false,
      pool,
      bootTimeoutMs: 60_000,
      note: (text) => this.notes.push(text),
      runParent: join(this.#boxcar.directory, "run/m"),
      stateParent: join(this.#boxcar.directory, "state/machines"),
      cacheDirectory: join(this.#boxcar.directory, "state/cache"),
      signal: new AbortController().signal,
    });
    const { success } = await sandbox.guest.resolved;
    log.end();
    return { success, output: (await output).join(""), snapshot: sandbox.snapshot?.id, pid: sandbox.vm.pid };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.store[Symbol.asyncDispose]();
  }
}
