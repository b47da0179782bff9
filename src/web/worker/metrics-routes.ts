/** `GET /metrics`: what a worker counts, as Prometheus reads it. */
import { defineRoute, type Route } from "../api/route.ts";

export interface MetricsPort {
  readonly contentType: string;
  text(): Promise<string>;
}

export function metricsRoutes(metrics: MetricsPort): Route[] {
  return [
    defineRoute()({
      method: "GET",
      path: "/metrics",
      operation: "getMetrics",
      summary: "Counts and measures of this worker, for Prometheus",
      tag: "observation",
      permission: "read",
      answers: { 200: { description: "In the text format of Prometheus.", contentType: "text/plain" } },
      async handle({ response }) {
        const text = await metrics.text();
        response.status(200).set({ "Content-Type": metrics.contentType, "Cache-Control": "no-store" }).send(text);
      },
    }),
  ];
}
