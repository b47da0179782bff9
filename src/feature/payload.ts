/** A task's payload: what the schema can say, and what it cannot, all issues together. */
import { InvalidInputError, type Issue } from "../base/errors.ts";
import { tryParseDuration } from "../base/units.ts";
import type { Config } from "../config/config.ts";
import type { FeaturesSettings } from "../config/features/features.ts";
import type { NetworkPolicySettings } from "../config/network/policy.ts";
import type { MachineOverrides } from "../generated/machine.ts";
import type { TaskPayload } from "../generated/task-payload.ts";
import { EVERY_SOURCE, type ImageSourcePolicy, imageIssues } from "../image/source/policy.ts";
import type { NetworkPolicy } from "../network/policy/network-policy.ts";
import { MAX_DURATION_MS } from "../schema/duration.ts";
import { type ParseOptions, parseAs } from "../schema/parse.ts";
import { type ArtifactRequest, artifactIssues, artifactRequests } from "./artifacts/request.ts";
import { type CacheRequest, cacheIssues, cacheRequests } from "./caches/request.ts";
import {
  type CheckpointsRequest,
  checkpointsIssues,
  checkpointsRequest,
  type ForkRequest,
  forkIssues,
  forkRequest,
} from "./checkpoints/request.ts";
import { type InputRequest, inputIssues, inputRequests } from "./inputs/request.ts";
import { type InteractiveRequest, interactiveIssues, interactiveRequest } from "./interactive/request.ts";
import { maxRunTimeIssues } from "./max-run-time/request.ts";
import { networkIssues, networkPolicyOf } from "./network/request.ts";
import { type OnExitStatus, onExitStatusOf } from "./on-exit-status/request.ts";
import { type OnFailureRequest, onFailureIssues, onFailureRequest } from "./on-failure/request.ts";
import { type ScreensRequest, screensIssues, screensRequest } from "./screens/request.ts";
import { secretsIssues } from "./secrets/request.ts";
import { stallTimeoutIssues } from "./stall-timeout/request.ts";
import { type Step, stepIssues, stepsOf } from "./steps.ts";

/** A payload with its defaults filled in. */
export interface ParsedPayload extends ScreensRequest {
  /** Undefined: the worker's default image. */
  readonly image: TaskPayload["image"];
  /** Undefined: its machine begins with the image. */
  readonly from: ForkRequest | undefined;
  /** At least one; the only one has no name where the payload has a command instead. */
  readonly steps: readonly Step[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string | undefined;
  readonly user: string | undefined;
  readonly tty: boolean;
  readonly machine: MachineOverrides;
  /** Undefined: the worker's limit. */
  readonly maxRunTimeMs: number | undefined;
  /** Undefined: the worker's default, which may be none. */
  readonly stallTimeoutMs: number | undefined;
  readonly onExitStatus: OnExitStatus;
  /** Undefined: its machine goes with it. */
  readonly onFailure: OnFailureRequest | undefined;
  readonly caches: readonly CacheRequest[];
  readonly inputs: readonly InputRequest[];
  /** Names of secrets of the worker. */
  readonly secrets: readonly string[];
  readonly network: NetworkPolicy;
  /** Undefined: the machine is for no person. */
  readonly interactive: InteractiveRequest | undefined;
  /** Undefined: it may make none. */
  readonly checkpoints: CheckpointsRequest | undefined;
  readonly artifacts: readonly ArtifactRequest[];
}

export interface PayloadOptions extends ParseOptions, PayloadRules {}

/** What the worker's configuration says of payloads. */
export interface PayloadRules {
  /** Longest run time the worker allows; {@link MAX_DURATION_MS} if it is left out. */
  maxRunTimeMs?: number;
  /** What tasks may ask for; if it is left out, nothing that has to be allowed. */
  features?: FeatureRules;
  /** What their machines may reach at most; nothing if it is left out. */
  network?: NetworkPolicySettings;
  /** Where their images may come from; if it is left out, who fetches them decides. */
  images?: ImageSourcePolicy;
}

export function payloadRules({ limits, features, network, images }: Config): PayloadRules {
  return { maxRunTimeMs: limits.maxRunTimeMs, features, network: network.policy, images };
}

type FeatureRules = Pick<
  FeaturesSettings,
  "caches" | "checkpoints" | "onFailure" | "maxRunTime" | "stallTimeout" | "inputs" | "interactive" | "secrets"
>;

const NOTHING_ALLOWED: FeatureRules = {
  maxRunTime: { perTask: "allow" },
  stallTimeout: { defaultMs: undefined, maxMs: undefined },
  caches: { maxBytes: 0, waitMs: 0 },
  checkpoints: {
    ...{ enabled: false, maxPerTask: 0, maxCount: 0, maxBytes: 0, expiresMs: 0, maxExpiresMs: 0 },
    ...{ whenFull: "refuse", whenMissing: "fail" },
  },
  onFailure: { enabled: false, maxKeepMs: 0, maxCount: 0, maxBytes: 0, maxResumed: 0, roles: [] },
  inputs: { allow: [], maxBytes: 0, cacheBytes: 0 },
  interactive: { enabled: false, keepAfterMs: 0, maxKeepAfterMs: 0 },
  secrets: { values: {}, listNames: false },
};

const NOTHING_REACHED: NetworkPolicySettings = { max: "isolated", allow: undefined };

/**
 * @throws {@link InvalidInputError} with every issue found.
 */
export function parsePayload(data: unknown, options: PayloadOptions): ParsedPayload {
  const { payload, issues } = trySchema(data, options);
  const all = [
    ...issues,
    ...stepIssues(payload?.steps ?? []),
    ...cacheIssues(payload?.caches ?? [], (options.features ?? NOTHING_ALLOWED).caches),
    ...semanticIssues(payload ?? data, options.maxRunTimeMs ?? MAX_DURATION_MS, options.features ?? NOTHING_ALLOWED),
    ...networkIssues(networkIn(data), options.network ?? NOTHING_REACHED),
    ...imageIssues(imageIn(data), options.images ?? EVERY_SOURCE),
  ];
  if (payload === undefined || all.length > 0) throw new InvalidInputError(options.subject, all, options.blame);
  return {
    image: payload.image,
    from: forkRequest(payload.from),
    steps: stepsOf(payload),
    env: payload.env ?? {},
    cwd: payload.cwd,
    user: payload.user,
    tty: payload.tty ?? false,
    machine: payload.machine ?? {},
    maxRunTimeMs: payload.maxRunTime === undefined ? undefined : tryParseDuration(payload.maxRunTime),
    stallTimeoutMs: payload.stallTimeout === undefined ? undefined : tryParseDuration(payload.stallTimeout),
    onExitStatus: onExitStatusOf(payload),
    onFailure: onFailureRequest(payload.onFailure),
    caches: cacheRequests(payload.caches),
    inputs: inputRequests(payload.inputs),
    secrets: payload.secrets ?? [],
    network: networkPolicyOf(payload.network),
    interactive: interactiveRequest(payload.interactive),
    checkpoints: checkpointsRequest(payload.checkpoints),
    artifacts: artifactRequests(payload.artifacts),
    ...screensRequest(payload),
  };
}

function trySchema(data: unknown, options: ParseOptions): { payload?: TaskPayload; issues: readonly Issue[] } {
  try {
    return { payload: parseAs("task-payload", data, options), issues: [] };
  } catch (error) {
    if (error instanceof InvalidInputError) return { issues: error.issues };
    throw error;
  }
}

function networkIn(data: unknown): unknown {
  return typeof data === "object" && data !== null && "network" in data ? data.network : undefined;
}

function imageIn(data: unknown): unknown {
  return typeof data === "object" && data !== null && "image" in data ? data.image : undefined;
}

/** Looks only at what has the right shape: the schema speaks of the rest. */
function semanticIssues(data: unknown, maxRunTimeMs: number, features: FeatureRules): Issue[] {
  if (typeof data !== "object" || data === null) return [];
  const fields = data as Record<string, unknown>;
  return [
    ...maxRunTimeIssues(fields["maxRunTime"], maxRunTimeMs, features.maxRunTime.perTask),
    ...stallTimeoutIssues(fields["stallTimeout"], features.stallTimeout, maxRunTimeMs),
    ...inputIssues(fields["inputs"], features.inputs),
    ...interactiveIssues(fields["interactive"], features.interactive),
    ...onFailureIssues(fields["onFailure"], features.onFailure),
    ...checkpointsIssues(fields["checkpoints"], features.checkpoints),
    ...forkIssues(fields, features.checkpoints),
    ...secretsIssues(fields["secrets"], fields["env"], features.secrets),
    ...artifactIssues(fields["artifacts"]),
    ...screensIssues(fields["screenshots"], fields["video"]),
  ];
}
