/** Every feature, in the order of their stages. */
import { artifacts } from "./artifacts/feature.ts";
import { caches } from "./caches/feature.ts";
import { checkpoints } from "./checkpoints/feature.ts";
import type { Feature } from "./feature.ts";
import { inputs } from "./inputs/feature.ts";
import { interactive } from "./interactive/feature.ts";
import { maxRunTime } from "./max-run-time/feature.ts";
import { network } from "./network/feature.ts";
import { onExitStatus } from "./on-exit-status/feature.ts";
import { onFailure } from "./on-failure/feature.ts";
import { screens } from "./screens/feature.ts";
import { secrets } from "./secrets/feature.ts";
import { stallTimeout } from "./stall-timeout/feature.ts";

export const FEATURES: readonly Feature[] = [
  network,
  maxRunTime,
  stallTimeout,
  onExitStatus,
  onFailure,
  secrets,
  caches,
  inputs,
  artifacts,
  screens,
  interactive,
  checkpoints,
];
