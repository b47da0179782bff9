/** What a task says of checkpoints, its own and the one it starts from, parsed; what the schema cannot say of that. Pure. */
import type { Issue } from "../../base/errors.ts";
import { tryParseDuration } from "../../base/units.ts";
import type { CheckpointsSettings } from "../../config/features/checkpoints.ts";
import type { FeatureCheckpoints, FeatureCheckpointsFrom } from "../../generated/feature-checkpoints.ts";
import { durationIssues } from "../../schema/duration.ts";
import { isDuration } from "../is-duration.ts";
import type { CheckpointScope } from "./access.ts";

export interface CheckpointsRequest {
  /** Undefined: as many as the worker allows. */
  readonly max: number | undefined;
  readonly scope: CheckpointScope;
  /** Undefined: the worker's default. */
  readonly expiresMs: number | undefined;
}

export interface ForkRequest {
  readonly task: string;
  /** Undefined: the latest that has such a checkpoint. */
  readonly run: number | undefined;
  readonly checkpoint: string;
  readonly index: number;
  readonly count: number;
}

/** What cannot differ from the machine that was saved. */
const FIXED = ["image", "machine"] as const;

export function checkpointsRequest(request: FeatureCheckpoints | undefined): CheckpointsRequest | undefined {
  if (request === undefined) return undefined;
  const { max, scope = "private", expires } = request;
  return { max, scope, expiresMs: expires === undefined ? undefined : tryParseDuration(expires) };
}

export function forkRequest(request: FeatureCheckpointsFrom | undefined): ForkRequest | undefined {
  if (request === undefined) return undefined;
  const { task, run, checkpoint, index = 0, count = 1 } = request;
  return { task, run, checkpoint, index, count };
}

export function checkpointsIssues(
  value: unknown,
  { enabled, maxPerTask, maxExpiresMs }: Pick<CheckpointsSettings, "enabled" | "maxPerTask" | "maxExpiresMs">,
): Issue[] {
  if (typeof value !== "object" || value === null) return [];
  if (!enabled) return [{ path: "checkpoints", message: "is not allowed by this worker" }];
  const { max, expires } = value as { max?: unknown; expires?: unknown };
  const tooMany = typeof max === "number" && max > maxPerTask;
  return [
    ...(tooMany ? [{ path: "checkpoints.max", message: `${max} is more than this worker allows, ${maxPerTask}` }] : []),
    ...(isDuration(expires) ? durationIssues("checkpoints.expires", expires, maxExpiresMs) : []),
  ];
}

/** @param payload All of it. */
export function forkIssues(
  payload: Readonly<Record<string, unknown>>,
  { enabled }: Pick<CheckpointsSettings, "enabled">,
): Issue[] {
  const { from } = payload;
  if (typeof from !== "object" || from === null) return [];
  if (!enabled) return [{ path: "from", message: "is not allowed by this worker" }];
  const fixed = FIXED.filter((key) => payload[key] !== undefined).map((key) => {
    return { path: key, message: "is that of the checkpoint where there is `from`; leave it out" };
  });
  const { index = 0, count = 1 } = from as { index?: unknown; count?: unknown };
  const isBeyond = typeof index === "number" && typeof count === "number" && index >= count;
  const beyond = isBeyond ? [{ path: "from.index", message: `must be less than from.count, which is ${count}` }] : [];
  return [...fixed, ...beyond];
}
