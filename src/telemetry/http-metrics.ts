/** What clients ask of a worker, counted: requests and websockets, by operation. */
import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import { REQUEST_SECONDS } from "./buckets.ts";

export class HttpMetrics {
  readonly #requests;
  readonly #durations;
  readonly #sockets;

  constructor(registry: Registry) {
    const registers = [registry];
    this.#requests = new Counter({
      ...{ name: "boxcar_http_requests_total", help: "Requests that were answered.", registers },
      labelNames: ["operation", "method", "status"],
    });
    this.#durations = new Histogram({
      ...{ name: "boxcar_http_request_duration_seconds", help: "From request to end of answer.", registers },
      ...{ labelNames: ["operation"], buckets: REQUEST_SECONDS },
    });
    this.#sockets = new Gauge({
      ...{ name: "boxcar_websockets", help: "Websockets that are open.", registers },
      labelNames: ["operation"],
    });
  }

  /** @param route One of the table: whatever clients ask for otherwise has no label of its own. */
  answered(
    { operation, method }: { readonly operation: string; readonly method: string },
    { status, durationMs }: { readonly status: number; readonly durationMs: number },
  ): void {
    this.#requests.inc({ operation, method, status: String(status) });
    this.#durations.observe({ operation }, durationMs / 1_000);
  }

  /** @returns what is called when it is closed */
  opened({ operation }: { readonly operation: string }): () => void {
    this.#sockets.inc({ operation });
    return () => this.#sockets.dec({ operation });
  }
}
