/** The environment variables that stand above the configuration file. */
import { InvalidInputError } from "../base/errors.ts";
import type { WorkerConfig } from "../generated/worker-config.ts";
import { parseAs } from "../schema/parse.ts";
import type { Surroundings } from "./host-facts.ts";

/** Variable → the place in the configuration it sets. */
const VARIABLES = {
  BOXCAR_STATE_DIR: "stateDir",
  BOXCAR_RUN_DIR: "runDir",
  BOXCAR_IMAGES_DIR: "images.directory",
  BOXCAR_ACCELERATOR: "accelerator",
} as const;

/**
 * `config` with what the environment sets; an empty variable counts as unset.
 *
 * @throws {@link InvalidInputError} (blame: host) naming the variables.
 */
export function applyEnvironment(config: WorkerConfig, env: Surroundings["env"]): WorkerConfig {
  const { BOXCAR_STATE_DIR, BOXCAR_RUN_DIR, BOXCAR_IMAGES_DIR, BOXCAR_ACCELERATOR } = env;
  const overrides = {
    ...(BOXCAR_STATE_DIR && { stateDir: BOXCAR_STATE_DIR }),
    ...(BOXCAR_RUN_DIR && { runDir: BOXCAR_RUN_DIR }),
    ...(BOXCAR_IMAGES_DIR && { images: { ...config.images, directory: BOXCAR_IMAGES_DIR } }),
    ...(BOXCAR_ACCELERATOR && { accelerator: BOXCAR_ACCELERATOR }),
  };
  try {
    return parseAs("worker-config", { ...config, ...overrides }, { subject: "The environment", blame: "host" });
  } catch (error) {
    if (!(error instanceof InvalidInputError)) throw error;
    const issues = error.issues.map(({ path, message }) => ({ path: variableOf(path), message }));
    throw new InvalidInputError("The environment", issues, "host");
  }
}

function variableOf(path: string): string {
  return Object.entries(VARIABLES).find(([, place]) => place === path)?.[0] ?? path;
}
