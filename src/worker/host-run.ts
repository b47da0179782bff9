import { mkdir, rm, rmdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { DirectoryStore } from "../artifact/directory-store.ts";
import { messageOf, resolutionReason } from "../base/errors.ts";
import { type Publication, publicationError } from "../feature/artifacts/publish.ts";
import { publishRun } from "../feature/artifacts/publish-run.ts";
import type { ArtifactRecord } from "../feature/artifacts/record.ts";
import type { Keeper } from "../feature/interactive/keeper.ts";
import type { NetworkReportSource } from "../feature/network/report.ts";
import { type ParsedPayload, parsePayload, payloadRules } from "../feature/payload.ts";
import { OwnedDirectory } from "../host/owned-directory.ts";
import { privateMemoryMiB } from "../host/room.ts";
import { throttledProgress } from "../image/progress.ts";
import { acquireImage } from "../image/source/acquire.ts";
import type { Image } from "../image/store/image.ts";
import type { LogSource } from "../log/log-source.ts";
import { describeTimings } from "../log/timings.ts";
import type { Claim, Resolution } from "../queue/driver.ts";
import { putSockets } from "./interactive-sockets.ts";
import type { LiveRun, LiveScreens } from "./lookup/live-runs.ts";
import type { RunFacts, RunObserver } from "./observer.ts";
import { outcomeOfError } from "./outcome.ts";
import { resolutionOf } from "./resolution.ts";
import { LOG_ARTIFACT, LOG_CONTENT_TYPE, RunLog } from "./run-log.ts";
import { RunMachine } from "./run-machine.ts";
import { RunRecorder } from "./run-recorder.ts";
import { REPORT_FILE, type RunReportParts } from "./run-report.ts";
import type { RunEnding } from "./run-state.ts";
import { storeRunLogs } from "./store-run-logs.ts";
import { hostFolders, type TaskHost } from "./task-host.ts";
import type { Phase, TaskResult } from "./task-result.ts";
import { runTask, type StartedMachine } from "./task-run.ts";
import type { OpenedRun } from "./worker.ts";

const LIVE_LOG_ARTIFACT = "public/logs/live.log";
const NO_MACHINE = { pid: undefined, memoryMiB: 0 };

export class HostRun implements OpenedRun, LiveRun {
  readonly #claim: Claim;
  readonly #host: TaskHost;
  readonly #directory: string;
  readonly #onPhase: (() => void) | undefined;
  readonly #started = new Date();
  readonly #observer: RunObserver | undefined;
  readonly #recorder: RunRecorder;
  #log: RunLog | undefined;
  readonly #announced: Disposable[] = [];
  #network: NetworkReportSource | undefined;
  #keeper: Keeper | undefined;
  #live: RunMachine | undefined;
  #screens: LiveScreens | undefined;
  #staging: OwnedDirectory | undefined;
  #result: Partial<TaskResult> = {};
  #kept: readonly ArtifactRecord[] = [];
  #phase: Phase | undefined;
  #machine: { pid: number | undefined; memoryMiB: number } | undefined;

  /** @param onPhase Told when a phase begins. */
  constructor(claim: Claim, host: TaskHost, onPhase?: () => void) {
    this.#claim = claim;
    this.#host = host;
    this.#onPhase = onPhase;
    this.#observer = host.observer?.claimed?.(claim.task);
    this.#recorder = new RunRecorder(host.workerId, this.#observer);
    const { taskId, runId } = claim.task;
    this.#directory = join(hostFolders(host.config).runs, taskId, String(runId));
  }

  get logFields(): Readonly<Record<string, string>> {
    return this.#observer?.logFields ?? {};
  }

  get phase(): Phase | undefined {
    return this.#phase;
  }

  get log(): LogSource | undefined {
    return this.#log?.live;
  }

  get network(): NetworkReportSource | undefined {
    return this.#network;
  }

  get machine(): RunMachine | undefined {
    return this.#live?.hasEnded ? undefined : this.#live;
  }

  get screens(): LiveScreens | undefined {
    return this.#screens;
  }

  get report(): RunReportParts {
    return this.#recorder.report;
  }

  async untouchedMemoryMiB(): Promise<number> {
    const memoryMiB = this.#machine?.memoryMiB ?? this.#host.config.machineOptions.maxMemory;
    const pid = this.#machine?.pid;
    return pid === undefined ? memoryMiB : Math.max(0, memoryMiB - (await privateMemoryMiB(pid)));
  }

  note(text: string): void {
    if (this.#log === undefined || this.#log.live.ended) this.#host.logger.log("warn", text, this.#ids);
    else this.#log.task.note(text);
  }

  async execute(signal: AbortSignal): Promise<Resolution> {
    const { config } = this.#host;
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    this.#staging = await OwnedDirectory.create(hostFolders(config).staging);
    const log = await RunLog.create(this.#directory, config);
    this.#log = log;
    const { taskId, runId } = this.#ids;
    this.#announced.push(this.#host.runs.live.announce(taskId, runId, this));
    this.note(`task ${this.#ids.taskId}, run ${this.#ids.runId}, on the worker ${this.#host.workerId}`);
    try {
      const payload = this.#parse();
      log.mask(payload, config);
      const result = await this.#run(payload, this.#staging.path, signal);
      this.#result = result;
      this.note(timingsOf(result));
      return log.redacted(resolutionOf(result));
    } catch (error) {
      const outcome = outcomeOfError(error, signal);
      this.note(outcome.message ?? "");
      return log.redacted(resolutionOf(outcome));
    } finally {
      this.#machine = NO_MACHINE;
    }
  }

  async publish(resolution: Resolution, signal: AbortSignal): Promise<Resolution | undefined> {
    return await this.#recorder.measure("publish", () => this.#publish(resolution, signal));
  }

  async #publish(resolution: Resolution, signal: AbortSignal): Promise<Resolution | undefined> {
    const { config, manifestKey, workerId } = this.#host;
    const { taskId, runId, payload, expires } = this.#claim.task;
    const staging = this.#staging?.path;
    if (staging === undefined) return undefined;
    const { image, machine, accelerator } = this.#result;
    const sink = new DirectoryStore(staging);
    const records = [...(this.#result.artifacts ?? []), ...(await this.#storeLogs(sink, signal))];
    this.#kept = records;
    const publication = await publishRun(records, {
      directory: staging,
      destination: this.#claim.artifacts,
      settings: config.features.artifacts.publish,
      sink,
      key: manifestKey,
      facts: {
        ...{ taskId, runId, worker: workerId, payload, started: this.#started, resolved: new Date() },
        ...(image === undefined ? {} : { image }),
        ...(machine === undefined ? {} : { machine }),
        ...(accelerator === undefined ? {} : { accelerator }),
      },
      expires,
      signal,
      note: (text) => this.#host.logger.log("warn", text, this.#ids),
    });
    await this.#linkLog(signal);
    const error = publicationError(publication);
    if (error === undefined) return withRefusals(resolution, publication);
    return { kind: "exception", reason: resolutionReason(error), message: error.message };
  }

  async close(ending: RunEnding): Promise<void> {
    try {
      if ("lost" in ending) this.note(`the run is not this worker's any more: ${ending.lost.message}`);
      await this.#log?.live.close();
      for (const announced of this.#announced) announced[Symbol.dispose]();
      await this.#staging?.[Symbol.asyncDispose]();
      if ("lost" in ending) {
        await writeFile(join(this.#directory, REPORT_FILE), this.#reportText);
        return;
      }
      await rm(this.#directory, { recursive: true, force: true });
      // Other runs of the task may be in it.
      await rmdir(dirname(this.#directory)).catch(() => {});
    } catch (error) {
      this.#host.logger.log("warn", `what is left of a run cannot be removed: ${messageOf(error)}`, this.#ids);
    } finally {
      this.#observer?.over?.(ending, await this.#facts());
    }
  }

  /** What every line of the worker about this run says. */
  get #ids(): { taskId: string; runId: number } {
    const { taskId, runId } = this.#claim.task;
    return { taskId, runId, ...this.logFields };
  }

  get #reportText(): string {
    // That it is being kept says nothing.
    const { phases, ...report } = this.#recorder.report;
    const over = phases.filter(({ durationMs }) => durationMs !== undefined);
    return `${JSON.stringify({ phases: over, ...report }, undefined, 2)}\n`;
  }

  async #facts(): Promise<RunFacts> {
    const network = await this.#network?.report().catch(() => undefined);
    const { counts, stats } = network ?? {};
    return {
      report: this.#recorder.report,
      artifacts: this.#kept.flatMap((record) => ("sizeBytes" in record ? [record] : [])),
      logBytes: this.#log?.live.sizeBytes ?? 0,
      ...(counts === undefined ? {} : { network: counts }),
      ...(stats === undefined ? {} : { traffic: stats }),
    };
  }

  /** @throws {InvalidInputError} with every issue. */
  #parse(): ParsedPayload {
    const rules = payloadRules(this.#host.config);
    return parsePayload(this.#claim.task.payload, { subject: "The payload", blame: "task", ...rules });
  }

  async #run(payload: ParsedPayload, staging: string, signal: AbortSignal): Promise<TaskResult> {
    const { config, images, networks, pool, agentFile, chooseAccelerator, features } = this.#host;
    const { imageHooks, origin, snapshots } = this.#host;
    const { taskId, runId, submitter, scopes } = this.#claim.task;
    const folders = hostFolders(config);
    const log = (this.#log as RunLog).task;
    const note = (text: string) => log.note(text);
    return await runTask({
      ...{ taskId, runId, payload, config, log, agentFile, features, networks, pool, snapshots, signal },
      asker: { submitter, scopes },
      recorder: this.#recorder,
      cold: false,
      artifacts: new DirectoryStore(staging),
      directory: this.#directory,
      runParent: folders.run,
      stateParent: folders.machines,
      cacheDirectory: folders.cache,
      acquireImage: async (runSignal, digest) => {
        let imported: Image | undefined;
        const lease = await acquireImage(images, digest ?? payload.image ?? config.images.default, {
          ...{ ...imageHooks, signal: runSignal, policy: config.images },
          origin: this.#claim.origin ?? origin,
          onProgress: throttledProgress(note),
          onImport: (image) => {
            imported = image;
          },
        });
        this.#observer?.image?.({ digest: lease.image.digest, importedBytes: imported?.sizes.archiveBytes });
        return lease;
      },
      chooseAccelerator: (runSignal) => chooseAccelerator(runSignal, note),
      onPhase: (phase) => {
        this.#phase = phase;
        this.#onPhase?.();
      },
      onNetwork: (source) => {
        this.#network = source;
      },
      onScreens: (source) => {
        this.#screens = { source, directory: staging };
      },
      deadline: this.#claim.task.deadline,
      onKeeper: (keeper) => {
        this.#keeper = keeper;
      },
      onMachine: (started) => this.#greet(started, payload, signal),
    });
  }

  #greet({ pid, memoryMiB, hardware, machine }: StartedMachine, payload: ParsedPayload, signal: AbortSignal): void {
    this.#machine = { pid, memoryMiB };
    const { taskId, runId } = this.#claim.task;
    const options = { keeper: this.#keeper, directory: this.#directory, interactive: payload.interactive };
    this.#live = new RunMachine({ taskId, runId, hardware, machine, ...options });
    if (payload.interactive !== undefined) void this.#share(this.#live, signal);
  }

  /** Never rejects: those who use it may come another way. */
  async #share(machine: RunMachine, signal: AbortSignal): Promise<void> {
    const { config, runs } = this.#host;
    const { artifacts: destination, task } = this.#claim;
    const origin = config.worker.http.url;
    if (origin === undefined) return;
    const shared = runs.machines.share(() => this.machine);
    this.#announced.push(shared);
    const { secret } = shared;
    const { deadline: expires } = task;
    try {
      await putSockets({ destination, machine, origin, secret, directory: this.#directory, expires, signal });
    } catch (error) {
      if (!signal.aborted) this.note(`warning: nobody is told where the machine is: ${messageOf(error)}`);
    }
  }

  /** Taskcluster's own pages look for it there. */
  async #linkLog(signal: AbortSignal): Promise<void> {
    const link = { name: LIVE_LOG_ARTIFACT, contentType: LOG_CONTENT_TYPE, artifact: LOG_ARTIFACT };
    try {
      await this.#claim.artifacts.putLink?.(link, signal);
    } catch (error) {
      signal.throwIfAborted();
      this.#host.logger.log("warn", `the link to a log cannot be made: ${messageOf(error)}`, this.#ids);
    }
  }

  /** The log ends here: what comes later is in the worker's own. */
  async #storeLogs(sink: DirectoryStore, signal: AbortSignal): Promise<ArtifactRecord[]> {
    const log = this.#log;
    if (log === undefined) return [];
    await log.live.close();
    const { logger, config } = this.#host;
    const { lostBytes } = log.live;
    if (lostBytes > 0) logger.log("warn", `the disk did not take ${lostBytes} bytes of a log`, this.#ids);
    // One that was not even begun has nothing to tell.
    const hasBegun = this.#recorder.report.phases.some(({ durationMs }) => durationMs !== undefined);
    const report = hasBegun ? this.#reportText : undefined;
    return await storeRunLogs({ log, report, directory: this.#directory, config, sink, signal });
  }
}

/** A task whose artifacts the queue does not take, by its own fault, has not completed. */
function withRefusals(resolution: Resolution, { refused }: Publication): Resolution | undefined {
  if (resolution.kind !== "completed" || refused.length === 0) return undefined;
  const message = refused.map(({ name, message }) => `artifact ${name}: ${message}`).join("\n");
  return { kind: "failed", reason: "invalid-resource-on-worker", message };
}

/** A table of phases and of steps. */
function timingsOf({ steps = [], timings }: TaskResult): string {
  const { total, ...phases } = timings;
  const named = Object.entries(phases).map(([name, durationMs]) => ({ name, durationMs }));
  const run = steps.flatMap(({ name, durationMs }) =>
    durationMs === undefined ? [] : { name: `step ${name}`, durationMs },
  );
  return describeTimings([...named, ...run], total);
}
