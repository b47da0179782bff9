/**
 * The pictures of screens that runs on this host have taken, while they run; those of others are among their artifacts.
 *
 * *Borrows* the logs, which know runs by the names that people give them, and whoever takes pictures.
 */
import { join } from "node:path";
import type { ScreensSource } from "../../feature/screens/pictures.ts";
import type { TaskLogs } from "./task-logs.ts";

export interface LiveScreens {
  readonly source: ScreensSource;
  /** Absolute path of the folder that artifacts of the run are in, until they are with the queue. */
  readonly directory: string;
}

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
  readonly #live = new Map<string, () => LiveScreens | undefined>();

  constructor(logs: TaskLogs) {
    this.#logs = logs;
  }

  /** A run begins whose pictures will be known there; forgotten on disposal. */
  announce(taskId: string, runId: number, screens: () => LiveScreens | undefined): Disposable {
    const key = keyOf(taskId, runId);
    this.#live.set(key, screens);
    return { [Symbol.dispose]: () => void this.#live.delete(key) };
  }

  /**
   * The oldest first; undefined where no such run is under way here.
   *
   * @param wanted Task by its id or the beginning of it.
   * @throws {WorkerError} `task-not-found`
   */
  async find(wanted: { task: string; run: number | "latest" }): Promise<LivePicture[] | undefined> {
    const { taskId, runId } = await this.#logs.locate(wanted);
    const live = this.#live.get(keyOf(taskId, runId))?.();
    return live?.source.pictures.map(({ time, name, artifact }) => {
      const { sha256, contentType = "application/octet-stream" } = artifact;
      return { time, name, file: join(live.directory, artifact.name), sha256, contentType };
    });
  }
}

function keyOf(taskId: string, runId: number): string {
  return `${taskId}/${runId}`;
}
