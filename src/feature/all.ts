/** Every feature, in the order of their stages. */
import { artifacts } from "./artifacts/feature.ts";
import type { Feature } from "./feature.ts";
import { maxRunTime } from "./max-run-time.ts";
import { screens } from "./screens/feature.ts";

export const FEATURES: readonly Feature[] = [maxRunTime, artifacts, screens];
