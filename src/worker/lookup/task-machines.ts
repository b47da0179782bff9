/**
 * The machines that run on this host, by their task, or by a secret that was given to whoever may use them.
 *
 * *Borrows* the logs, by which tasks are found, and the machines.
 */
import { hashOf, randomSecret } from "../../access/secrets.ts";
import type { LiveMachine } from "../../feature/interactive/live-machine.ts";
import type { LiveRuns } from "./live-runs.ts";
import type { TaskLogs } from "./task-logs.ts";

export type MachineSource = () => LiveMachine | undefined;

/** Leads to a machine as long as the run lasts. */
export interface MachineSecret extends Disposable {
  readonly secret: string;
}

export class TaskMachines {
  readonly #logs: Pick<TaskLogs, "locate">;
  readonly #live: LiveRuns;
  /** By the hash of the secret: nothing that prints this object shows one that works. */
  readonly #bySecret = new Map<string, MachineSource>();

  constructor(logs: Pick<TaskLogs, "locate">, live: LiveRuns) {
    this.#logs = logs;
    this.#live = live;
  }

  /** A secret that stands for the machine. */
  share(source: MachineSource): MachineSecret {
    const secret = randomSecret();
    const hash = hashOf(secret);
    this.#bySecret.set(hash, source);
    return { secret, [Symbol.dispose]: () => void this.#bySecret.delete(hash) };
  }

  /**
   * Undefined where there is no machine: yet, any more, or on this host.
   *
   * @param wanted Task by its id or the beginning of it.
   * @throws {WorkerError} `task-not-found`
   */
  async find(wanted: { task: string; run: number | "latest" }): Promise<LiveMachine | undefined> {
    const { taskId, runId } = await this.#logs.locate(wanted);
    return this.get({ taskId, runId });
  }

  /** One by the whole id of its task. */
  get(key: { taskId: string; runId: number }): LiveMachine | undefined {
    return this.#live.get(key)?.machine;
  }

  findBySecret(secret: string): LiveMachine | undefined {
    return this.#bySecret.get(hashOf(secret))?.();
  }

  /** In the order in which their runs began. */
  all(): LiveMachine[] {
    return this.#live.all().flatMap(({ machine }) => machine ?? []);
  }
}
