/**
 * The pictures of screens that runs on this host have taken, while they run; those of others are among their artifacts.
 *
 * *Borrows* the logs, which know runs by the names that people give them, and whoever takes pictures.
 */
import { join } from "node:path";
import type { LiveRuns } from "./live-runs.ts";
import type { TaskLogs } from "./task-logs.ts";

export interface LivePicture {
  /** ISO 8601. */
  readonly time: string;
  readonly name: string;
  /** Absolute path; gone when it is with the queue. */
  readonly file: string;
  readonly sha256: string;
  readonly contentType: string;
}

export class TaskScreens {
  readonly #logs: TaskLogs;
  readonly #live: LiveRuns;

  constructor(logs: TaskLogs, live: LiveRuns) {
    this.#logs = logs;
    this.#live = live;
  }

  /**
   * The oldest first; undefined where no such run is under way here.
   *
   * @param wanted Task by its id or the beginning of it.
   * @throws {WorkerError} `task-not-found`
   */
  async find(wanted: { task: string; run: number | "latest" }): Promise<LivePicture[] | undefined> {
    const { taskId, runId } = await this.#logs.locate(wanted);
    const live = this.#live.get({ taskId, runId })?.screens;
    return live?.source.pictures.map(({ time, name, artifact }) => {
      const { sha256, contentType = "application/octet-stream" } = artifact;
      return { time, name, file: join(live.directory, artifact.name), sha256, contentType };
    });
  }
}
