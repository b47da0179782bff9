// Generated from schemas/telemetry-config.schema.json by scripts/generate-types.ts; never edited.

import type { ConfigValuesSecret } from "./config-values.ts";

/**
 * What a worker tells others of its runs, beside the metrics that they may ask it for.
 */
export interface TelemetryConfig {
  /**
   * A trace of each run, sent to a collector of OpenTelemetry. No traces, if it is left out.
   */
  traces?: {
    /**
     * URL that takes traces as OTLP over HTTP, with its path.
     */
    endpoint: string;
    /**
     * Headers of every request to it, such as Authorization.
     */
    headers?: {
      [k: string]: ConfigValuesSecret;
    };
    /**
     * Share of the runs that are traced, from 0 to 1. A task that is part of a trace is traced if that is.
     */
    sampling?: number;
  };
}
