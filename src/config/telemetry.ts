/** Section `telemetry` of the configuration: who is told of runs. */
import type { Issue } from "../base/errors.ts";
import type { TelemetryConfig } from "../generated/telemetry-config.ts";
import { joinPath } from "../schema/document-path.ts";
import { type Secret, type Secrets, secretAt } from "./secret.ts";

export interface TelemetrySettings {
  /** Undefined: none. */
  readonly traces: TracesSettings | undefined;
}

export interface TracesSettings {
  readonly endpoint: string;
  readonly headers: Readonly<Record<string, Secret>>;
  /** From 0 to 1. */
  readonly sampling: number;
}

/** The section, with the schema's defaults in it. */
export interface FilledTelemetry {
  traces?: Required<NonNullable<TelemetryConfig["traces"]>>;
}

const HEADERS = "telemetry.traces.headers";

export function completeTelemetry({ traces }: FilledTelemetry, secrets: Secrets): TelemetrySettings {
  if (traces === undefined) return { traces: undefined };
  const { endpoint, headers, sampling } = traces;
  const values = Object.entries(headers).map(([name, value]) => {
    return [name, secretAt(joinPath(HEADERS, name), value, secrets)] as const;
  });
  return { traces: { endpoint, headers: Object.fromEntries(values), sampling } };
}

export function telemetryIssues({ traces }: FilledTelemetry): Issue[] {
  if (traces === undefined || URL.canParse(traces.endpoint)) return [];
  return [{ path: "telemetry.traces.endpoint", message: `${JSON.stringify(traces.endpoint)} is no URL` }];
}
