/**
 * What runs report of themselves: asked of the run while it lives, or out of what was kept.
 *
 * *Borrows* the logs, and whoever reports.
 */
import { text } from "node:stream/consumers";
import { REPORT_FILE, type RunReportParts, tryParseReport } from "../run-report.ts";
import type { LiveRuns } from "./live-runs.ts";
import type { TaskLogs } from "./task-logs.ts";

export class RunReports {
  readonly #logs: TaskLogs;
  readonly #live: LiveRuns;

  constructor(logs: TaskLogs, live: LiveRuns) {
    this.#logs = logs;
    this.#live = live;
  }

  /**
   * Undefined where there is nothing: it has not begun, or has ended before its first phase.
   *
   * @param wanted Task by its id or the beginning of it.
   * @throws {WorkerError} `task-not-found`; `log-elsewhere`
   */
  async find(wanted: { task: string; run: number | "latest" }): Promise<RunReportParts | undefined> {
    const { taskId, runId } = await this.#logs.locate(wanted);
    const live = this.#live.get({ taskId, runId })?.report;
    if (live !== undefined) return live;
    const kept = await this.#logs.find({ task: taskId, run: runId, name: REPORT_FILE });
    return kept && tryParseReport(await text(kept.read()));
  }
}
