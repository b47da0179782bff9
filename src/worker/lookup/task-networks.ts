/**
 * What is known of the networks of runs: by who has the machine, or out of the log that was kept.
 *
 * *Borrows* the logs, and whoever reports.
 */
import { text } from "node:stream/consumers";
import { NETWORK_FILE, type NetworkReport, reportOf } from "../../feature/network/report.ts";
import { LiveRuns } from "./live-runs.ts";
import type { TaskLogs } from "./task-logs.ts";

export class TaskNetworks {
  readonly #logs: TaskLogs;
  readonly #live: LiveRuns;

  constructor(logs: TaskLogs, live = new LiveRuns()) {
    this.#logs = logs;
    this.#live = live;
  }

  /**
   * Undefined where there is nothing: yet, or because the machine asked for nothing.
   *
   * @param wanted Task by its id or the beginning of it.
   * @throws {WorkerError} `task-not-found`; `log-elsewhere`
   */
  async find(wanted: { task: string; run: number | "latest" }): Promise<NetworkReport | undefined> {
    const { taskId, runId } = await this.#logs.locate(wanted);
    const live = this.#live.get({ taskId, runId })?.network;
    if (live !== undefined) return await live.report();
    const log = await this.#logs.find({ task: taskId, run: runId, name: NETWORK_FILE });
    return log && reportOf(await text(log.read()));
  }
}
