/** Section `pool` of the configuration: machines that are kept ready. */
import type { Issue } from "../base/errors.ts";
import type { PoolConfig } from "../generated/pool-config.ts";
import { durationIssues } from "../schema/duration.ts";
import { durationMs } from "./quantities.ts";

export interface PoolSettings {
  readonly machines: number;
  /** MiB. */
  readonly memory: number;
  readonly maxIdleMs: number;
}

/** The section, with the schema's defaults and the host's in it. */
export type FilledPool = Required<PoolConfig>;

export function completePool({ machines, memory, maxIdle }: FilledPool): PoolSettings {
  return { machines, memory, maxIdleMs: durationMs(maxIdle) };
}

export function poolIssues({ maxIdle }: FilledPool): Issue[] {
  return durationIssues("pool.maxIdle", maxIdle);
}
