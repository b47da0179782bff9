/**
 * A claimed run on this host: its folders, its log, its machine, and what is kept of it.
 *
 *   opened ──execute()──▶ its machine is gone ──publish()──▶ the queue has its artifacts ──close()──▶ nothing is left
 *
 * *Owns* the folder of the run and that of artifacts which are not with the queue yet. The folder of a run that was lost
 * stays, with its log, until it is collected: nobody else has it.
 */
import { createWriteStream, type WriteStream } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { finished } from "node:stream/promises";
import { DirectoryStore } from "../artifact/directory-store.ts";
import { InvalidInputError, messageOf } from "../base/errors.ts";
import { type ArtifactRecord, guessContentType } from "../feature/artifacts/record.ts";
import { type ParsedPayload, parsePayload } from "../feature/payload.ts";
import { OwnedDirectory } from "../host/owned-directory.ts";
import { privateMemoryMiB } from "../host/room.ts";
import { throttledProgress } from "../image/progress.ts";
import { acquireImage } from "../image/source.ts";
import { TaskLog } from "../log/task-log.ts";
import type { Claim, Resolution } from "../queue/driver.ts";
import { resolutionOf } from "./resolution.ts";
import type { RunEnding } from "./run-state.ts";
import { hostFolders, type TaskHost } from "./task-host.ts";
import type { Phase, TaskResult } from "./task-result.ts";
import { runTask } from "./task-run.ts";
import type { OpenedRun } from "./worker.ts";

const LOG_FILE = "task.log";

export class HostRun implements OpenedRun {
  /** Told when a phase begins. */
  onPhase: (() => void) | undefined;
  readonly #claim: Claim;
  readonly #host: TaskHost;
  readonly #directory: string;
  #log: TaskLog | undefined;
  #logFile: WriteStream | undefined;
  #staging: OwnedDirectory | undefined;
  #records: readonly ArtifactRecord[] = [];
  #phase: Phase | undefined;
  #machine: { pid: number | undefined; memoryMiB: number } | undefined;

  constructor(claim: Claim, host: TaskHost) {
    this.#claim = claim;
    this.#host = host;
    const { taskId, runId } = claim.task;
    this.#directory = join(hostFolders(host.config).runs, taskId, String(runId));
  }

  get phase(): Phase | undefined {
    return this.#phase;
  }

  async untouchedMemoryMiB(): Promise<number> {
    const memoryMiB = this.#machine?.memoryMiB ?? this.#host.config.machineOptions.maxMemory;
    const pid = this.#machine?.pid;
    return pid === undefined ? memoryMiB : Math.max(0, memoryMiB - (await privateMemoryMiB(pid)));
  }

  note(text: string): void {
    this.#log?.note(text);
  }

  async execute(signal: AbortSignal): Promise<Resolution> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    this.#staging = await OwnedDirectory.create(hostFolders(this.#host.config).staging);
    this.#logFile = createWriteStream(join(this.#directory, LOG_FILE), { mode: 0o600 });
    this.#log = new TaskLog([{ guest: this.#logFile, worker: this.#logFile }]);
    const payload = this.#parse();
    if (payload instanceof InvalidInputError) {
      this.note(payload.message);
      return resolutionOf({ state: "exception", reason: "malformed-payload", message: payload.message });
    }
    const result = await this.#run(payload, this.#staging.path, signal);
    this.#records = result.artifacts;
    return resolutionOf(result);
  }

  async publish(_resolution: Resolution, signal: AbortSignal): Promise<Resolution | undefined> {
    const staging = this.#staging?.path;
    if (staging === undefined) return undefined;
    for (const record of this.#records) {
      if ("error" in record) {
        await this.#claim.artifacts.putError(
          { name: record.name, reason: record.error, message: record.message },
          signal,
        );
      } else {
        const { name, sizeBytes, sha256, contentType = guessContentType(name) } = record;
        const file = join(staging, name);
        await this.#claim.artifacts.putFile({ name, file, sizeBytes, sha256, contentType }, signal);
      }
    }
    return undefined;
  }

  async close(ending: RunEnding): Promise<void> {
    try {
      if ("lost" in ending) this.note(`the run is not this worker's any more: ${ending.lost.message}`);
      this.#logFile?.end();
      if (this.#logFile !== undefined) await finished(this.#logFile).catch(() => {});
      await this.#staging?.[Symbol.asyncDispose]();
      if ("resolution" in ending) await rm(this.#directory, { recursive: true, force: true });
    } catch (error) {
      this.#host.logger.log("warn", `what is left of a run cannot be removed: ${messageOf(error)}`, this.#ids);
    }
  }

  get #ids(): { taskId: string; runId: number } {
    const { taskId, runId } = this.#claim.task;
    return { taskId, runId };
  }

  #parse(): ParsedPayload | InvalidInputError {
    const { maxRunTimeMs } = this.#host.config.limits;
    try {
      return parsePayload(this.#claim.task.payload, { subject: "The payload", blame: "task", maxRunTimeMs });
    } catch (error) {
      if (error instanceof InvalidInputError) return error;
      throw error;
    }
  }

  async #run(payload: ParsedPayload, staging: string, signal: AbortSignal): Promise<TaskResult> {
    const { config, images, pool, agentFile, chooseAccelerator, features } = this.#host;
    const folders = hostFolders(config);
    const log = this.#log as TaskLog;
    const note = (text: string) => log.note(text);
    return await runTask({
      ...{ ...this.#ids, payload, config, log, agentFile, features, pool, signal },
      cold: false,
      artifacts: new DirectoryStore(staging),
      directory: this.#directory,
      runParent: folders.run,
      stateParent: folders.machines,
      cacheDirectory: folders.cache,
      acquireImage: (runSignal) =>
        acquireImage(images, payload.image ?? config.images.default, {
          signal: runSignal,
          policy: config.images,
          onProgress: throttledProgress(note),
        }),
      chooseAccelerator: (runSignal) => chooseAccelerator(runSignal, note),
      onPhase: (phase) => {
        this.#phase = phase;
        this.onPhase?.();
      },
      onMachine: (machine) => {
        this.#machine = machine;
      },
    });
  }
}
