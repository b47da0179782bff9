/**
 * Who observes a worker process: metrics always, traces and webhooks where the configuration asks for them.
 *
 * *Owns* what sends; *borrows* the queue.
 */
import { orTimeout } from "../../base/abort.ts";
import type { Logger } from "../../base/log.ts";
import { Scope } from "../../base/scope.ts";
import type { Config } from "../../config/config.ts";
import type { MachineNetworks } from "../../sandbox/machine-networks.ts";
import { Metrics } from "../../telemetry/metrics.ts";
import type { Room } from "../../worker/capacity.ts";
import type { WorkerObserver } from "../../worker/observer.ts";
import type { Worker } from "../../worker/worker.ts";
import { readVersion } from "../version.ts";
import type { OpenQueue } from "./open-queue.ts";

/** Who asks for the metrics waits for them. */
const SUMMARY_TIMEOUT_MS = 3_000;

export interface TelemetryOptions {
  config: Config;
  queue: Pick<OpenQueue, "tasks" | "webhooks">;
  workerId: string;
  logger: Logger;
}

/** What is asked whenever somebody asks for the metrics. */
export interface AttachedParts {
  worker: Pick<Worker, "status">;
  networks: Pick<MachineNetworks, "proxyStats" | "mode">;
  room: () => Promise<Room>;
  eventClients: () => number;
}

export class Telemetry implements AsyncDisposable {
  readonly metrics: Metrics;
  /** To be told of every run. */
  readonly observers: readonly WorkerObserver[];
  readonly #options: TelemetryOptions;
  readonly #scope: Scope;

  private constructor(options: TelemetryOptions, metrics: Metrics, traces: WorkerObserver | undefined, scope: Scope) {
    this.metrics = metrics;
    this.observers = traces === undefined ? [metrics.observer] : [metrics.observer, traces];
    this.#options = options;
    this.#scope = scope;
  }

  /** @throws {InvalidInputError} A secret is none, or cannot be read. {@link QueueError} */
  static async open(options: TelemetryOptions): Promise<Telemetry> {
    await using scope = new Scope();
    const metrics = new Metrics();
    const traces = await openTraces(options);
    if (traces !== undefined) scope.use(traces);
    const webhooks = await startWebhooks(options, metrics);
    if (webhooks !== undefined) scope.use(webhooks);
    return new Telemetry(options, metrics, traces, scope.move());
  }

  /** The worker is there: its state is among the metrics from now on. Called once. */
  attach({ worker, networks, room, eventClients }: AttachedParts): void {
    const { config, queue, workerId } = this.#options;
    const { tasks } = queue;
    const late = () => new Error("the queue has not answered in time");
    const own = async () => {
      const asked = tasks?.summary() ?? Promise.resolve({ queues: [] });
      const { queues } = await orTimeout(asked, SUMMARY_TIMEOUT_MS, late);
      const { unscheduled = 0, pending = 0, running = 0 } = queues.find(({ name }) => name === config.queue.name) ?? {};
      return { unscheduled, pending, running };
    };
    this.metrics.attach(
      {
        status: () => worker.status,
        ...{ room, eventClients },
        proxies: () => networks.proxyStats(),
        ...(tasks === undefined ? {} : { queue: own }),
      },
      { version: readVersion(), workerId, network: networks.mode },
    );
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#scope[Symbol.asyncDispose]();
  }
}

/** What it takes is loaded only where it is needed. */
async function openTraces({ config, workerId, logger }: TelemetryOptions) {
  const { traces: settings } = config.telemetry;
  if (settings === undefined) return undefined;
  const { Traces } = await import("../../telemetry/traces.ts");
  return Traces.open({ settings, version: readVersion(), workerId, queue: config.queue.name, logger });
}

async function startWebhooks({ config, queue, logger }: TelemetryOptions, metrics: Metrics) {
  const { webhooks } = config;
  const { webhooks: outbox } = queue;
  if (webhooks.length === 0 || outbox === undefined) return undefined;
  const { Webhooks } = await import("../../telemetry/webhooks/webhooks.ts");
  const { url } = config.worker.http;
  return await Webhooks.start({
    ...{ webhooks, outbox, version: readVersion(), logger },
    urlOf: (taskId) => (url === undefined ? undefined : new URL(`tasks/${taskId}`, `${url.replace(/\/$/, "")}/`).href),
    onAttempt: (outcome) => metrics.noteWebhook(outcome),
  });
}
