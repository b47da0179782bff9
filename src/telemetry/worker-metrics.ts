/** What a worker is and has right now, read when somebody asks for the metrics. */
import { Counter, Gauge, type Registry } from "prom-client";
import type { ProxyStats } from "../network/proxy/proxy-stats.ts";
import type { Room } from "../worker/capacity.ts";
import type { RunningTask, WorkerState, WorkerStatus } from "../worker/status.ts";

/** What is needed of a worker and its host. What rejects is left out of that answer. */
export interface WorkerSources {
  status(): Pick<WorkerStatus, "state" | "capacity" | "running" | "pooled">;
  room(): Promise<Room>;
  proxies(): Readonly<Record<string, ProxyStats>>;
  /** How many follow what happens. */
  eventClients(): number;
  /** Tasks of the worker's own queue; undefined where it cannot be asked. */
  queue?(): Promise<{ readonly unscheduled: number; readonly pending: number; readonly running: number }>;
}

const STATES: Readonly<Record<WorkerState, true>> = {
  claiming: true,
  full: true,
  paused: true,
  waiting: true,
  draining: true,
  stopping: true,
  stopped: true,
};

const PHASES: Readonly<Record<RunningTask["phase"], true>> = {
  prepare: true,
  image: true,
  start: true,
  boot: true,
  furnish: true,
  run: true,
  collect: true,
  keep: true,
  release: true,
  publish: true,
  resolve: true,
};

export function registerWorkerMetrics(registry: Registry, sources: WorkerSources): void {
  registerStatus(registry, sources);
  registerHost(registry, sources);
  registerProxies(registry, sources);
  if (sources.queue !== undefined) registerQueue(registry, sources.queue);
}

function registerStatus(registry: Registry, { status, eventClients }: WorkerSources): void {
  const registers = [registry];
  new Gauge({
    ...{
      name: "boxcar_worker_state",
      help: "1 for the state that the worker is in.",
      registers,
      labelNames: ["state"],
    },
    collect() {
      const { state: current } = status();
      for (const state of Object.keys(STATES)) this.set({ state }, state === current ? 1 : 0);
    },
  });
  new Gauge({
    ...{ name: "boxcar_worker_capacity", help: "Most runs at once.", registers },
    collect() {
      this.set(status().capacity);
    },
  });
  new Gauge({
    ...{ name: "boxcar_runs_in_phase", help: "Runs that go on, by phase.", registers, labelNames: ["phase"] },
    collect() {
      const { running } = status();
      for (const name of Object.keys(PHASES)) {
        this.set({ phase: name }, running.filter(({ phase }) => phase === name).length);
      }
    },
  });
  new Gauge({
    ...{ name: "boxcar_event_clients", help: "Clients that follow what happens.", registers },
    collect() {
      this.set(eventClients());
    },
  });
  new Gauge({
    ...{ name: "boxcar_machines_pooled", help: "Machines that wait for a task.", registers },
    collect() {
      this.set(status().pooled ?? 0);
    },
  });
}

function registerHost(registry: Registry, { room }: WorkerSources): void {
  const registers = [registry];
  const known = async () => await room().catch(() => undefined);
  new Gauge({
    ...{ name: "boxcar_host_memory_available_bytes", help: "Memory that programs can still get.", registers },
    async collect() {
      this.set(((await known())?.memoryMiB ?? Number.NaN) * 1_048_576);
    },
  });
  new Gauge({
    ...{ name: "boxcar_host_disk_free_bytes", help: "Free on the disk of the machines.", registers },
    async collect() {
      this.set((await known())?.diskBytes ?? Number.NaN);
    },
  });
}

const PROXY_COUNTERS = [
  ["requests_total", "Requests to proxies.", "requests"],
  ["hits_total", "Of them, answered without a body of the upstream.", "hits"],
  ["shared_total", "Of them, answered with what was fetched for another.", "shared"],
  ["failures_total", "Of them, without an answer of the upstream.", "failures"],
  ["guest_bytes_total", "Bodies that machines got.", "bytesToGuests"],
  ["upstream_bytes_total", "Bodies that came from upstreams.", "bytesFromUpstream"],
] as const;

function registerProxies(registry: Registry, { proxies }: WorkerSources): void {
  const registers = [registry];
  for (const [name, help, key] of PROXY_COUNTERS) {
    new Counter({
      ...{ name: `boxcar_proxy_${name}`, help, registers, labelNames: ["proxy"] },
      collect() {
        this.reset();
        for (const [proxy, stats] of Object.entries(proxies())) this.inc({ proxy }, stats[key]);
      },
    });
  }
  new Gauge({
    ...{ name: "boxcar_proxy_kept_bytes", help: "What caches of proxies have on disk.", registers },
    labelNames: ["proxy"],
    collect() {
      for (const [proxy, { keptBytes }] of Object.entries(proxies())) this.set({ proxy }, keptBytes);
    },
  });
}

/** Every worker of the queue says the same. */
function registerQueue(registry: Registry, ask: NonNullable<WorkerSources["queue"]>): void {
  new Gauge({
    ...{ name: "boxcar_queue_tasks", help: "Tasks of the worker's own task queue.", registers: [registry] },
    labelNames: ["state"],
    async collect() {
      this.reset();
      const counts = await ask().catch(() => undefined);
      for (const [state, count] of Object.entries(counts ?? {})) this.set({ state }, count);
    },
  });
}
