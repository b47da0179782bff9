/**
 * `boxcar worker`: everything a worker process is made of, from the first thing that is opened to the last that is closed.
 *
 * The first signal drains it, the second stops it; what is left by then is given back in the reverse order.
 */
import { join } from "node:path";
import { AuditLog } from "../../access/audit-log.ts";
import { messageOf } from "../../base/errors.ts";
import type { Logger } from "../../base/log.ts";
import { Scope } from "../../base/scope.ts";
import { Watchdog } from "../../base/watchdog.ts";
import { CacheStore } from "../../cache/cache-store.ts";
import type { Config } from "../../config/config.ts";
import { InputCache } from "../../feature/inputs/input-cache.ts";
import { availableMemoryMiB, freeDiskBytes } from "../../host/room.ts";
import { SystemdNotifier } from "../../host/sd-notify.ts";
import { TerminationNotice } from "../../host/termination-notice.ts";
import type { MachinePool } from "../../sandbox/machine-pool.ts";
import { addressReader } from "../../web/access/client-address.ts";
import { Jobs } from "../../web/images/jobs.ts";
import type { Room } from "../../worker/capacity.ts";
import { collectGarbage, type GarbageKind } from "../../worker/collect-garbage.ts";
import { HostRun } from "../../worker/host-run.ts";
import { LifecycleWatch } from "../../worker/lifecycle-watch.ts";
import { HostRuns } from "../../worker/lookup/host-runs.ts";
import { joinObservers } from "../../worker/observer.ts";
import { repeat } from "../../worker/repeat.ts";
import type { WorkerStatus } from "../../worker/status.ts";
import { hostFolders } from "../../worker/task-host.ts";
import { Worker, type WorkerOptions } from "../../worker/worker.ts";
import { auditDirectory } from "../access/open-access.ts";
import type { CliContext } from "../context.ts";
import { AccessApi } from "./access-api.ts";
import { FleetMember } from "./fleet-member.ts";
import { lazyHypervisor } from "./lazy-hypervisor.ts";
import { listen } from "./listen.ts";
import { createMachineApi } from "./machine-api.ts";
import { openHost } from "./open-host.ts";
import { defaultWorkerId, openQueue } from "./open-queue.ts";
import { phaseEvents } from "./phase-events.ts";
import { Telemetry } from "./telemetry.ts";
import { createVmApi } from "./vm-api.ts";

export interface ServeOptions {
  config: Config;
  /** Absolute path of where that is from, if it was named. */
  configFile: string | undefined;
  context: CliContext;
  logger: Logger;
}

/** Resolves when the worker has ended. */
export async function serve({ config, configFile, context, logger }: ServeOptions): Promise<void> {
  await using scope = new Scope();
  const queue = scope.use(await openQueue(config, logger));
  const runs = new HostRuns({ tasks: queue.tasks, runsFolder: hostFolders(config).runs });
  const workerId = config.queue.workerId ?? defaultWorkerId();
  const telemetry = scope.use(await Telemetry.open({ config, queue, workerId, logger }));
  let fleet: FleetMember | undefined;
  const phases = phaseEvents(queue.events, workerId, () => fleet?.changed());
  const observer = joinObservers([...telemetry.observers, phases], logger);
  const host = await openHost({ config, logger, runs, observer, origin: queue.origin, scope });
  const notifier = scope.use(SystemdNotifier.fromEnvironment(context.surroundings.env, { logger }));
  const audit = scope.use(await AuditLog.open({ directory: auditDirectory(config), logger }));
  const settings = config.worker;
  const watchdog = scope.use(Watchdog.start({ blockedAfterMs: settings.watchdog.blockedAfterMs, logger }));
  const notice = scope.use(TerminationNotice.watch({ ...settings.shutdown.notice, logger }));
  const caches = await CacheStore.open({ directory: join(config.stateDir, "caches"), logger });
  const inputs = await InputCache.open(join(config.stateDir, "inputs"));

  let lifecycle: LifecycleWatch | undefined;
  const options: WorkerOptions = {
    queue: queue.driver,
    settings,
    maxMemoryMiB: config.machineOptions.maxMemory,
    room: () => roomOf(config, host.pool),
    open: (claim) => new HostRun(claim, host),
    pool: host.pool,
    network: host.networks.description,
    observer,
    onChange: () => {
      lifecycle?.look();
      fleet?.changed();
      tellSystemd(notifier, worker.status);
    },
    logger,
    watchdog,
  };
  // Where something is in its way it must not have claimed anything.
  const worker = Worker.startPaused(options, "it starts");
  const eventClients = () => fleet?.streams.size ?? 0;
  telemetry.attach({ worker, networks: host.networks, room: options.room, eventClients });
  lifecycle = scope.use(new LifecycleWatch(worker, settings, notice));
  fleet = scope.use(FleetMember.start({ config, workerId, queue, worker, runs: runs.live, logger }));
  const jobs = scope.use(new Jobs({ onFailure: (error, job) => logger.log("warn", messageOf(error), { ...job }) }));
  const access = await AccessApi.open({ config, queue, audit, workerId, url: () => fleet?.url });
  const hypervisor = lazyHypervisor({ config, scope, images: host.images, configFile });
  const { roles: resumeRoles } = config.features.onFailure;
  const people = { tasks: queue.tasks, audit, addressOf: addressReader(settings.http.proxies) };
  await listen({
    config,
    logger,
    scope,
    worker,
    watchdog,
    queue,
    runs,
    machineApi: createMachineApi({ machines: runs.machines, ...people }),
    vmApi: scope.use(createVmApi({ hypervisor, workerId, events: queue.events, resumeRoles, ...people })),
    fleet,
    host,
    hypervisor,
    jobs,
    metrics: telemetry.metrics,
    access,
  });
  scope.defer(async () => {
    worker.stop("the worker process ends");
    await worker.done;
  });
  const garbage = {
    ...{
      images: host.images,
      snapshots: host.snapshots,
      caches,
      inputs,
      logger,
      stateDir: config.stateDir,
      settings: settings.gc,
    },
    runsFolder: hostFolders(config).runs,
    isRunning: (taskId: string, runId: number) => runs.live.isAnnounced(taskId, runId),
    onRemoved: (kind: GarbageKind, count: number) => telemetry.metrics.noteRemoved(kind, count),
  };
  const collect = async () => {
    await collectGarbage(garbage);
    worker.reconsider();
  };
  scope.use(repeat(collect, { everyMs: settings.gc.everyMs }));
  logger.log("info", `claims tasks from ${queue.driver.description}, up to ${settings.capacity} at once`);
  heedSignals(context, worker, settings.shutdown.timeoutMs);
  worker.resume();
  notifier.startWatchdog(() => watchdog.health().healthy);
  void notifier.ready(describe(worker.status));
  await worker.done;
}

/** Machines that only wait are no reason to claim nothing. */
async function roomOf({ machineOptions, stateDir, worker }: Config, pool: MachinePool | undefined): Promise<Room> {
  const memoryMiB = Math.floor(await availableMemoryMiB());
  if (pool !== undefined) pool.isStarved = memoryMiB < worker.reserve.memoryMiB + machineOptions.maxMemory;
  return { memoryMiB, diskBytes: await freeDiskBytes(stateDir) };
}

function describe({ state, why, running, capacity }: WorkerStatus): string {
  return `${state}${why === undefined ? "" : `: ${why}`}; runs ${running.length} of ${capacity} tasks`;
}

function tellSystemd(notifier: SystemdNotifier, status: WorkerStatus): void {
  if (!notifier.enabled) return;
  const ends = status.state === "draining" || status.state === "stopping";
  void (ends ? notifier.stopping(describe(status)) : notifier.status(describe(status)));
}

function heedSignals({ signal, hurry }: CliContext, worker: Worker, timeoutMs: number): void {
  const drain = () => worker.drain(messageOf(signal.reason), timeoutMs);
  const stop = () => worker.stop(messageOf(hurry.reason));
  if (signal.aborted) drain();
  else signal.addEventListener("abort", drain, { once: true });
  if (hurry.aborted) stop();
  else hurry.addEventListener("abort", stop, { once: true });
}
