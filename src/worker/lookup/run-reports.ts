/**
 * What runs report of themselves: asked of the run while it lives, or out of what was kept.
 *
 * *Borrows* the logs, and whoever reports.
 */
import { text } from "node:stream/consumers";
import { REPORT_FILE, type RunReportParts, tryParseReport } from "../run-report.ts";
import type { TaskLogs } from "./task-logs.ts";

export class RunReports {
  readonly #logs: TaskLogs;
  readonly #live = new Map<string, () => RunReportParts>();

  constructor(logs: TaskLogs) {
    this.#logs = logs;
  }

  /** A run begins that can be asked; forgotten on disposal. */
  announce(taskId: string, runId: number, report: () => RunReportParts): Disposable {
    const key = keyOf(taskId, runId);
    this.#live.set(key, report);
    return { [Symbol.dispose]: () => void this.#live.delete(key) };
  }

  /**
   * Undefined where there is nothing: it has not begun, or has ended before its first phase.
   *
   * @param wanted Task by its id or the beginning of it.
   * @throws {WorkerError} `task-not-found`; `log-elsewhere`
   */
  async find(wanted: { task: string; run: number | "latest" }): Promise<RunReportParts | undefined> {
    const { taskId, runId } = await this.#logs.locate(wanted);
    const live = this.#live.get(keyOf(taskId, runId));
    if (live !== undefined) return live();
    const kept = await this.#logs.find({ task: taskId, run: runId, name: REPORT_FILE });
    return kept && tryParseReport(await text(kept.read()));
  }
}

function keyOf(taskId: string, runId: number): string {
  return `${taskId}/${runId}`;
}
