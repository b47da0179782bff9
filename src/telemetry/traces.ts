/**
 * Traces of runs, sent to a collector of OpenTelemetry.
 *
 * Nobody waits for the collector: spans wait for it in a queue that has an end, and are dropped beyond it. *Owns* the
 * queue and the connections; disposal sends what is left, for a few seconds at most.
 */
import { type Context, ROOT_CONTEXT, TraceFlags, type Tracer, trace } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import { orTimeout } from "../base/abort.ts";
import type { Logger } from "../base/log.ts";
import type { TracesSettings } from "../config/telemetry.ts";
import type { ClaimedTask } from "../queue/driver.ts";
import type { RunObserver, WorkerObserver } from "../worker/observer.ts";
import { RunTrace } from "./run-trace.ts";
import { TellingExporter } from "./telling-exporter.ts";
import { tryParseTraceParent } from "./traceparent.ts";

export interface TracesOptions {
  settings: TracesSettings;
  version: string;
  workerId: string;
  /** Name of the task queue. */
  queue: string;
  logger: Logger;
  /** Of disposal; default 5 s. */
  closeTimeoutMs?: number;
}

const MAX_QUEUED_SPANS = 4_096;
const SEND_EVERY_MS = 2_000;
const SEND_TIMEOUT_MS = 5_000;
const CLOSE_TIMEOUT_MS = 5_000;

export class Traces implements WorkerObserver, AsyncDisposable {
  readonly #provider: TracerProvider;
  readonly #tracer: Tracer;
  readonly #queue: string;
  readonly #closeTimeoutMs: number;
  #closing: Promise<void> | undefined;

  private constructor(provider: TracerProvider, { queue, version, closeTimeoutMs = CLOSE_TIMEOUT_MS }: TracesOptions) {
    this.#provider = provider;
    this.#tracer = provider.getTracer("boxcar", version);
    this.#queue = queue;
    this.#closeTimeoutMs = closeTimeoutMs;
  }

  /** @throws {InvalidInputError} A header cannot be read. */
  static open(options: TracesOptions): Traces {
    const { settings, version, workerId, logger } = options;
    const headers = Object.fromEntries(Object.entries(settings.headers).map(([name, value]) => [name, value.reveal()]));
    const exporter = new TellingExporter(
      new OTLPTraceExporter({ url: settings.endpoint, headers, timeoutMillis: SEND_TIMEOUT_MS, concurrencyLimit: 4 }),
      logger,
    );
    const processor = new BatchSpanProcessor({
      exporter,
      maxQueueSize: MAX_QUEUED_SPANS,
      scheduledDelayMillis: SEND_EVERY_MS,
      exportTimeoutMillis: SEND_TIMEOUT_MS,
    });
    const provider = new TracerProvider({
      spanProcessors: [processor],
      sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(settings.sampling) }),
      resource: resourceFromAttributes({
        "service.name": "boxcar",
        "service.version": version,
        "service.instance.id": workerId,
      }),
    });
    return new Traces(provider, options);
  }

  claimed(task: ClaimedTask): RunObserver {
    const { taskId, runId, name, priority, scheduled } = task;
    return new RunTrace({
      tracer: this.#tracer,
      parent: parentOf(task),
      attributes: {
        "boxcar.task.id": taskId,
        "boxcar.run.id": runId,
        "boxcar.queue": this.#queue,
        "boxcar.task.priority": priority,
        ...(name === undefined ? {} : { "boxcar.task.name": name }),
        ...(scheduled === undefined ? {} : { "boxcar.wait_ms": Math.max(0, Date.now() - scheduled.getTime()) }),
      },
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    const late = () => new Error("the collector of traces has not taken the last ones");
    this.#closing ??= orTimeout(this.#provider.shutdown(), this.#closeTimeoutMs, late).catch(() => {});
    return this.#closing;
  }
}

/** What the task says in its tag, or to its command. */
function parentOf({ traceparent, payload }: ClaimedTask): Context {
  const parent = tryParseTraceParent(traceparent ?? environmentOf("TRACEPARENT", payload) ?? "");
  if (parent === undefined) return ROOT_CONTEXT;
  const { traceId, spanId, sampled } = parent;
  const traceFlags = sampled ? TraceFlags.SAMPLED : TraceFlags.NONE;
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags, isRemote: true });
}

/** Of a payload that nobody has checked. */
function environmentOf(name: string, payload: unknown): string | undefined {
  const env = fieldOf(payload, "env");
  const value = fieldOf(env, name);
  return typeof value === "string" ? value : undefined;
}

function fieldOf(data: unknown, key: string): unknown {
  if (typeof data !== "object" || data === null || !Object.hasOwn(data, key)) return undefined;
  return (data as Record<string, unknown>)[key];
}
