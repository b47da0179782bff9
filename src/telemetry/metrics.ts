/**
 * The metrics of one worker, as Prometheus reads them.
 *
 * *Owns* the registry; what it reads at each question is given.
 */
import { Counter, collectDefaultMetrics, Gauge, Registry } from "prom-client";
import type { WorkerObserver } from "../worker/observer.ts";
import { HttpMetrics } from "./http-metrics.ts";
import { RunMetrics } from "./run-metrics.ts";
import { registerWorkerMetrics, type WorkerSources } from "./worker-metrics.ts";

export interface BuildInfo {
  readonly version: string;
  readonly workerId: string;
  /** Of its machines. */
  readonly network: string;
}

export class Metrics {
  /** Counts runs. */
  readonly observer: WorkerObserver;
  readonly http: HttpMetrics;
  readonly #registry = new Registry();
  readonly #removed;
  readonly #webhooks;

  constructor() {
    const registers = [this.#registry];
    this.observer = new RunMetrics(this.#registry);
    this.http = new HttpMetrics(this.#registry);
    this.#removed = new Counter({
      ...{ name: "boxcar_garbage_removed_total", help: "What was removed to make room.", registers },
      labelNames: ["kind"],
    });
    this.#webhooks = new Counter({
      ...{ name: "boxcar_webhook_attempts_total", help: "Webhooks that were sent, by what came of it.", registers },
      labelNames: ["outcome"],
    });
    for (const kind of ["images", "caches", "inputs", "logs"]) this.#removed.inc({ kind }, 0);
    for (const outcome of ["delivered", "retried", "given_up", "disabled"]) this.#webhooks.inc({ outcome }, 0);
    collectDefaultMetrics({ register: this.#registry });
  }

  /** The worker is there: from now on its state is among the metrics. Called once. */
  attach(sources: WorkerSources, { version, workerId, network }: BuildInfo): void {
    registerWorkerMetrics(this.#registry, sources);
    new Gauge({
      ...{ name: "boxcar_build_info", help: "Always 1.", registers: [this.#registry] },
      labelNames: ["version", "worker", "network"],
    }).set({ version, worker: workerId, network }, 1);
  }

  noteRemoved(kind: "images" | "caches" | "inputs" | "logs" | "snapshots", count: number): void {
    this.#removed.inc({ kind }, count);
  }

  noteWebhook(outcome: "delivered" | "retried" | "given_up" | "disabled"): void {
    this.#webhooks.inc({ outcome });
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** In the text format of Prometheus. */
  async text(): Promise<string> {
    return await this.#registry.metrics();
  }

  /** Names, types and meanings, for documents. */
  describe(): { name: string; type: string; help: string; labels: readonly string[] }[] {
    const metrics = this.#registry.getMetricsAsArray() as unknown as readonly {
      name: string;
      help: string;
      type: string;
      labelNames?: readonly string[];
    }[];
    return metrics.map(({ name, help, type, labelNames = [] }) => ({ name, help, type, labels: labelNames }));
  }
}
