/** Says in the log of the worker, once each time, that a collector takes no spans, and that it takes them again. */
import type { ReadableSpan, SpanExporter } from "@opentelemetry/sdk-trace";
import { messageOf } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";

type Report = Parameters<SpanExporter["export"]>[1];

/** ExportResultCode.SUCCESS */
const SUCCESS = 0;

export class TellingExporter implements SpanExporter {
  readonly #inner: SpanExporter;
  readonly #logger: Logger;
  #isFailing = false;

  constructor(inner: SpanExporter, logger: Logger) {
    this.#inner = inner;
    this.#logger = logger;
  }

  export(spans: ReadableSpan[], report: Report): void {
    this.#inner.export(spans, (result) => {
      this.#note(result.code === SUCCESS ? undefined : (result.error ?? new Error("it did not say why")));
      report(result);
    });
  }

  async forceFlush(): Promise<void> {
    await this.#inner.forceFlush?.();
  }

  async shutdown(): Promise<void> {
    await this.#inner.shutdown();
  }

  #note(error: Error | undefined): void {
    const isFailing = error !== undefined;
    if (isFailing === this.#isFailing) return;
    this.#isFailing = isFailing;
    if (isFailing) this.#logger.log("warn", `traces are lost: the collector does not take them: ${messageOf(error)}`);
    else this.#logger.log("info", "the collector takes traces again");
  }
}
