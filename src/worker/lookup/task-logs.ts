/**
 * The logs of tasks, wherever they are: written right now, with the artifacts, or left by a run that was lost.
 *
 * *Borrows* the queue, and the runs under way.
 */
import { join } from "node:path";
import { codeOf, WorkerError } from "../../base/errors.ts";
import { NETWORK_FILE } from "../../feature/network/report.ts";
import type { LogEncoding } from "../../log/compress-log.ts";
import type { LogSource } from "../../log/log-source.ts";
import { openStoredLog } from "../../log/open-stored-log.ts";
import type { TaskStatus } from "../../queue/task.ts";
import type { ArtifactEntry, TaskQueue } from "../../queue/task-queue.ts";
import { LOG_FILE } from "../run-log.ts";
import { REPORT_FILE } from "../run-report.ts";
import { LiveRuns } from "./live-runs.ts";

/** What is asked for: a task by its id or the beginning of it, one of its runs, and the file name of a log. */
export interface LogName {
  readonly task: string;
  readonly run: number | "latest";
  readonly name: string;
}

export interface TaskLogsOptions {
  /** Undefined: only what this host has is known, by whole ids. */
  readonly tasks: TaskQueue | undefined;
  /** Absolute path of the folder of runs. */
  readonly runsFolder: string;
}

/** Where the logs are among the artifacts. */
const FOLDER = "public/logs/";
const NAME = /^[\w-]+\.(?:log|jsonl?)$/;

export class TaskLogs {
  readonly #options: TaskLogsOptions;
  readonly #live: LiveRuns;

  constructor(options: TaskLogsOptions, live = new LiveRuns()) {
    this.#options = options;
    this.#live = live;
  }

  /** Undefined where there is none; yet, of a run that has not begun. */
  async find({ task, run, name }: LogName): Promise<LogSource | undefined> {
    if (!NAME.test(name)) return undefined;
    const { taskId, runId } = await this.locate({ task, run });
    const live = name === LOG_FILE ? this.#live.get({ taskId, runId })?.log : undefined;
    return live ?? (await this.#kept(taskId, runId, name)) ?? (await this.#left(taskId, runId, name));
  }

  /** The whole id, and the number of the run. */
  async locate({ task, run }: Omit<LogName, "name">): Promise<{ taskId: string; runId: number }> {
    const known = await this.#options.tasks?.show(task);
    return { taskId: known?.taskId ?? task, runId: run === "latest" ? latestRun(known) : run };
  }

  async #kept(taskId: string, runId: number, name: string): Promise<LogSource | undefined> {
    const artifacts = (await this.#options.tasks?.artifacts(taskId, runId)) ?? [];
    const artifact = artifacts.find((each) => each.name === `${FOLDER}${name}`);
    if (artifact === undefined || artifact.error !== undefined) return undefined;
    if (artifact.file !== undefined) return await openStoredLog(artifact.file, encodingOf(artifact));
    throw new WorkerError(`the log of task ${taskId} is on another host: the one whose worker ran it`, {
      code: "log-elsewhere",
      blame: "task",
    });
  }

  async #left(taskId: string, runId: number, name: string): Promise<LogSource | undefined> {
    // In what else there is secrets are masked only when it becomes an artifact.
    if (name !== LOG_FILE && name !== NETWORK_FILE && name !== REPORT_FILE) return undefined;
    // Ids of a queue hold no slashes; what people write may.
    if (/[^\w-]/.test(taskId)) return undefined;
    try {
      return await openStoredLog(join(this.#options.runsFolder, taskId, String(runId), name));
    } catch (error) {
      if (codeOf(error) === "ENOENT") return undefined;
      throw error;
    }
  }
}

function encodingOf({ contentEncoding }: ArtifactEntry): LogEncoding | undefined {
  return contentEncoding === "gzip" || contentEncoding === "zstd" ? contentEncoding : undefined;
}

function latestRun(task: TaskStatus | undefined): number {
  return task?.runs.at(-1)?.runId ?? 0;
}
