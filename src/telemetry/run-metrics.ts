/** What becomes of runs, counted. */
import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import type { ClaimedTask } from "../queue/driver.ts";
import type { MachineFacts, RunFacts, RunObserver, WorkerObserver } from "../worker/observer.ts";
import type { RunEnding } from "../worker/run-state.ts";
import { PHASE_SECONDS, WAIT_SECONDS } from "./buckets.ts";
import { reasonOf, resolutionOf } from "./ending-labels.ts";

export class RunMetrics implements WorkerObserver {
  readonly #claims;
  readonly #queueErrors;
  readonly #waits;
  readonly #phases;
  readonly #runs;
  readonly #durations;
  readonly #machines;
  readonly #running;
  readonly #memory;
  readonly #images;
  readonly #imageBytes;
  readonly #logBytes;
  readonly #artifacts;
  readonly #artifactBytes;
  readonly #connections;
  readonly #networkBytes;
  readonly #dropped;

  constructor(registry: Registry) {
    const registers = [registry];
    const counter = <T extends string>(name: string, help: string, labelNames: readonly T[] = []) =>
      new Counter<T>({ name: `boxcar_${name}`, help, labelNames, registers });
    const gauge = (name: string, help: string) => new Gauge({ name: `boxcar_${name}`, help, registers });
    const histogram = <T extends string>(name: string, help: string, buckets: number[], labelNames: readonly T[]) =>
      new Histogram<T>({ name: `boxcar_${name}`, help, labelNames, buckets, registers });
    this.#claims = counter("claims_total", "Runs that were claimed.");
    this.#queueErrors = counter("queue_errors_total", "Questions for tasks that the queue did not answer.");
    this.#waits = histogram("claim_wait_seconds", "From when a run could be claimed until it was.", WAIT_SECONDS, []);
    this.#phases = histogram("run_phase_duration_seconds", "Phases of runs.", PHASE_SECONDS, ["phase"]);
    this.#runs = counter("runs_total", "Runs that are over.", ["resolution", "reason"]);
    this.#durations = histogram("run_duration_seconds", "Runs, from claim to end.", PHASE_SECONDS, ["resolution"]);
    this.#machines = counter("machines_started_total", "Machines that got a task.", ["start", "accelerator"]);
    this.#running = gauge("machines_running", "Machines that have a task.");
    this.#memory = gauge("machines_memory_bytes", "Memory that these machines may use.");
    this.#images = counter("image_requests_total", "Images that runs asked for.", ["result"]);
    this.#imageBytes = counter("image_imported_bytes_total", "Archives that were taken into the store for runs.");
    this.#logBytes = counter("log_bytes_total", "Logs of runs.");
    this.#artifacts = counter("artifacts_total", "Files that runs have left, logs included.");
    this.#artifactBytes = counter("artifact_bytes_total", "Bytes of these files, as they are stored.");
    this.#connections = counter("network_requests_total", "What machines asked of their networks.", ["outcome"]);
    this.#networkBytes = counter("network_bytes_total", "Frames of machines.", ["direction"]);
    this.#dropped = counter("network_dropped_total", "Frames of machines that went nowhere.", ["reason"]);
    for (const start of ["booted", "resumed", "pooled", "forked"])
      for (const accelerator of ["kvm", "tcg"]) {
        this.#machines.inc({ start, accelerator }, 0);
      }
    for (const result of ["stored", "imported"]) this.#images.inc({ result }, 0);
    for (const outcome of ["allowed", "refused", "failed"]) this.#connections.inc({ outcome }, 0);
  }

  queueAnswered(error: unknown): void {
    if (error !== undefined) this.#queueErrors.inc();
  }

  claimed({ scheduled }: ClaimedTask): RunObserver {
    this.#claims.inc();
    // The clock of the queue may be before ours.
    if (scheduled !== undefined) this.#waits.observe(Math.max(0, Date.now() - scheduled.getTime()) / 1_000);
    const begin = performance.now();
    let memoryBytes = 0;
    return {
      phaseEnded: (phase, durationMs) => {
        this.#phases.observe({ phase }, durationMs / 1_000);
        if (phase !== "release") return;
        this.#running.dec();
        this.#memory.dec(memoryBytes);
      },
      image: ({ importedBytes }) => this.#countImage(importedBytes),
      machine: (facts) => {
        memoryBytes = facts.memoryMiB * 1_048_576;
        this.#countMachine(facts);
      },
      over: (ending, facts) => this.#countEnd(ending, facts, (performance.now() - begin) / 1_000),
    };
  }

  #countImage(importedBytes: number | undefined): void {
    this.#images.inc({ result: importedBytes === undefined ? "stored" : "imported" });
    this.#imageBytes.inc(importedBytes ?? 0);
  }

  #countMachine({ start, accelerator, memoryMiB }: MachineFacts): void {
    this.#machines.inc({ start, accelerator });
    this.#running.inc();
    this.#memory.inc(memoryMiB * 1_048_576);
  }

  #countEnd(ending: RunEnding, { artifacts, logBytes, network, traffic }: RunFacts, seconds: number): void {
    const resolution = resolutionOf(ending);
    this.#runs.inc({ resolution, reason: reasonOf(ending) });
    this.#durations.observe({ resolution }, seconds);
    this.#logBytes.inc(logBytes);
    this.#artifacts.inc(artifacts.length);
    this.#artifactBytes.inc(artifacts.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0));
    const { allowed = 0, refused = 0, failed = 0 } = network ?? {};
    for (const [outcome, count] of Object.entries({ allowed, refused, failed }))
      this.#connections.inc({ outcome }, count);
    if (traffic === undefined) return;
    this.#networkBytes.inc({ direction: "from_guest" }, traffic.bytesFromGuest);
    this.#networkBytes.inc({ direction: "to_guest" }, traffic.bytesToGuest);
    for (const [reason, count] of Object.entries(traffic.dropped)) this.#dropped.inc({ reason }, count);
  }
}
