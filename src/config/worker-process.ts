/** Section `worker` of the configuration: the process that takes tasks from a queue. */
import type { Issue } from "../base/errors.ts";
import type { WorkerProcessConfig } from "../generated/worker-process-config.ts";
import { durationIssues, MAX_DURATION_MS } from "../schema/duration.ts";
import { durationMs, GIB } from "./quantities.ts";
import { completeHttp, type FilledHttp, type HttpSettings, httpIssues } from "./worker-http.ts";

export interface WorkerSettings {
  /** Most machines at once. */
  readonly capacity: number;
  readonly reserve: { readonly memoryMiB: number; readonly diskBytes: number };
  readonly lifecycle: LifecycleSettings;
  readonly shutdown: { readonly timeoutMs: number; readonly notice: NoticeSettings };
  readonly hostErrors: { readonly max: number; readonly pauseMs: number; readonly maxPauseMs: number };
  readonly gc: {
    readonly everyMs: number;
    readonly minFreeDiskBytes: number;
    readonly maxCacheBytes: number | undefined;
  };
  readonly http: HttpSettings;
  readonly watchdog: { readonly stuckAfterMs: number; readonly blockedAfterMs: number };
}

/** When the worker ends by itself; undefined: never for this reason. */
export interface LifecycleSettings {
  readonly maxTasks: number | undefined;
  readonly maxUptimeMs: number | undefined;
  readonly idleExitMs: number | undefined;
}

/** How it is noticed that the host will be taken away; neither file nor command: not at all. */
export interface NoticeSettings {
  readonly file: string | undefined;
  readonly command: readonly string[] | undefined;
  readonly everyMs: number;
  /** How long a drain may take then; never longer than the one of `shutdown`. */
  readonly timeoutMs: number;
}

/** The section, with the schema's defaults and the host's in it. */
export interface FilledWorkerProcess extends WorkerProcessConfig {
  capacity: number;
  reserve: Filled<"reserve">;
  lifecycle: NonNullable<WorkerProcessConfig["lifecycle"]>;
  shutdown: Omit<Filled<"shutdown">, "notice"> & { notice: FilledNotice };
  hostErrors: Filled<"hostErrors">;
  gc: Omit<Filled<"gc">, "maxCacheSizeGiB"> & { maxCacheSizeGiB?: number };
  http: FilledHttp;
  watchdog: Filled<"watchdog">;
}

type Filled<K extends keyof WorkerProcessConfig> = Required<NonNullable<WorkerProcessConfig[K]>>;
type FilledNotice = Omit<Filled<"shutdown">["notice"], "every" | "timeout"> & {
  every: number | string;
  timeout: number | string;
};

/** These are looked at now and then, and no timer waits for them. */
const MAX_UPTIME_MS = 10 * 365 * 86_400_000;

export function completeWorkerProcess(worker: FilledWorkerProcess): WorkerSettings {
  const { reserve, lifecycle, shutdown, hostErrors, gc, http, watchdog } = worker;
  const timeoutMs = durationMs(shutdown.timeout);
  const pauseMs = durationMs(hostErrors.pause);
  return {
    capacity: worker.capacity,
    reserve: { memoryMiB: reserve.memory, diskBytes: Math.round(reserve.diskGiB * GIB) },
    lifecycle: {
      maxTasks: lifecycle.maxTasks,
      maxUptimeMs: lifecycle.maxUptime === undefined ? undefined : durationMs(lifecycle.maxUptime),
      idleExitMs: lifecycle.idleExit === undefined ? undefined : durationMs(lifecycle.idleExit),
    },
    shutdown: {
      timeoutMs,
      notice: {
        file: shutdown.notice.file,
        command: shutdown.notice.command,
        everyMs: durationMs(shutdown.notice.every),
        timeoutMs: Math.min(timeoutMs, durationMs(shutdown.notice.timeout)),
      },
    },
    hostErrors: { max: hostErrors.max, pauseMs, maxPauseMs: Math.max(pauseMs, durationMs(hostErrors.maxPause)) },
    gc: {
      everyMs: durationMs(gc.every),
      minFreeDiskBytes: Math.round(Math.max(gc.minFreeDiskGiB, reserve.diskGiB) * GIB),
      maxCacheBytes: gc.maxCacheSizeGiB === undefined ? undefined : Math.round(gc.maxCacheSizeGiB * GIB),
    },
    http: completeHttp(http),
    watchdog: { stuckAfterMs: durationMs(watchdog.stuckAfter), blockedAfterMs: durationMs(watchdog.blockedAfter) },
  };
}

/** @param accessEnabled Whether clients of the HTTP API have to log in. */
export function workerProcessIssues(
  { lifecycle, shutdown, hostErrors, gc, http, watchdog }: FilledWorkerProcess,
  accessEnabled: boolean,
): Issue[] {
  const { notice } = shutdown;
  const durations: readonly [string, number | string | undefined, number?][] = [
    ["lifecycle.maxUptime", lifecycle.maxUptime, MAX_UPTIME_MS],
    ["lifecycle.idleExit", lifecycle.idleExit, MAX_UPTIME_MS],
    ["shutdown.timeout", shutdown.timeout],
    ["shutdown.notice.every", notice.every],
    ["shutdown.notice.timeout", notice.timeout],
    ["hostErrors.pause", hostErrors.pause],
    ["hostErrors.maxPause", hostErrors.maxPause],
    ["gc.every", gc.every],
    ["watchdog.stuckAfter", watchdog.stuckAfter],
    ["watchdog.blockedAfter", watchdog.blockedAfter],
  ];
  const issues = durations.flatMap(([key, value, maxMs = MAX_DURATION_MS]) =>
    value === undefined ? [] : durationIssues(`worker.${key}`, value, maxMs),
  );
  if (notice.file !== undefined && notice.command !== undefined) {
    issues.push({ path: "worker.shutdown.notice", message: "has both file and command; remove one of them" });
  }
  return [...issues, ...httpIssues(http, accessEnabled)];
}
