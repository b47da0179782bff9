/**
 * The trace of one run: a span for the run, in it one for each phase, and in those one for each step.
 *
 * What a span begins is ended with it, whatever happens to the run.
 */
import { type Attributes, type Context, type Span, SpanStatusCode, type Tracer, trace } from "@opentelemetry/api";
import type { StepResult } from "../feature/steps.ts";
import type { MachineFacts, RunFacts, RunObserver } from "../worker/observer.ts";
import type { RunPhase } from "../worker/run-report.ts";
import type { RunEnding } from "../worker/run-state.ts";
import { reasonOf, resolutionOf } from "./ending-labels.ts";
import { formatTraceParent } from "./traceparent.ts";

/** A span takes no more events than this and some. */
const MAX_ARTIFACT_EVENTS = 100;

export interface RunTraceOptions {
  readonly tracer: Tracer;
  /** What the run is part of. */
  readonly parent: Context;
  readonly attributes: Attributes;
}

export class RunTrace implements RunObserver {
  readonly logFields: Readonly<Record<string, string>>;
  readonly #tracer: Tracer;
  readonly #parent: Context;
  readonly #run: Span;
  #phase: Span | undefined;
  #step: Span | undefined;

  constructor({ tracer, parent, attributes }: RunTraceOptions) {
    this.#tracer = tracer;
    this.#parent = parent;
    this.#run = tracer.startSpan("run", { attributes }, parent);
    this.logFields = { traceId: this.#run.spanContext().traceId };
  }

  phaseBegan(phase: RunPhase): void {
    this.#endPhase();
    this.#phase = this.#startIn(this.#run, phase);
  }

  phaseEnded(): void {
    this.#endPhase();
  }

  stepBegan(name: string): void {
    this.#step?.end();
    this.#step = this.#startIn(this.#phase ?? this.#run, `step ${name}`);
  }

  stepEnded({ exitCode, skipped }: StepResult): void {
    if (skipped) return;
    if (exitCode !== undefined) this.#step?.setAttribute("boxcar.exit_code", exitCode);
    if (exitCode !== undefined && exitCode !== 0) this.#step?.setStatus({ code: SpanStatusCode.ERROR });
    this.#step?.end();
    this.#step = undefined;
  }

  image({ digest, importedBytes }: { digest: string; importedBytes: number | undefined }): void {
    this.#run.setAttribute("boxcar.image.digest", digest);
    if (importedBytes !== undefined) this.#phase?.setAttribute("boxcar.image.imported_bytes", importedBytes);
  }

  machine({ start, accelerator, memoryMiB }: MachineFacts): void {
    this.#run.setAttributes({
      "boxcar.machine.start": start,
      "boxcar.machine.accelerator": accelerator,
      "boxcar.machine.memory_mib": memoryMiB,
    });
  }

  /** What the guest does now is part of the innermost span. */
  environment(): Readonly<Record<string, string>> {
    const { traceId, spanId, traceFlags } = (this.#step ?? this.#phase ?? this.#run).spanContext();
    return { TRACEPARENT: formatTraceParent({ traceId, spanId, sampled: (traceFlags & 1) === 1 }) };
  }

  over(ending: RunEnding, { artifacts }: RunFacts): void {
    this.#endPhase();
    for (const { name, sizeBytes } of artifacts.slice(0, MAX_ARTIFACT_EVENTS)) {
      this.#run.addEvent("artifact", { "boxcar.artifact.name": name, "boxcar.artifact.size_bytes": sizeBytes });
    }
    const resolution = resolutionOf(ending);
    this.#run.setAttributes({ "boxcar.resolution": resolution, "boxcar.reason": reasonOf(ending) });
    if (resolution !== "completed") this.#run.setStatus({ code: SpanStatusCode.ERROR, message: reasonOf(ending) });
    this.#run.end();
  }

  #endPhase(): void {
    this.#step?.end();
    this.#step = undefined;
    this.#phase?.end();
    this.#phase = undefined;
  }

  #startIn(parent: Span, name: string): Span {
    return this.#tracer.startSpan(name, {}, trace.setSpan(this.#parent, parent));
  }
}
