/** What the host decides where neither file, environment nor schema does. Pure. */
import { join } from "node:path";
import type { WorkerConfig } from "../generated/worker-config.ts";
import { defaultRunDir, defaultStateDir } from "./default-paths.ts";
import type { FilledConfig, FilledSource } from "./filled-config.ts";
import { defaultCapacity, defaultMachineOptions, type Surroundings } from "./host-facts.ts";
import { withPolicyDefaults } from "./network/policy.ts";

/** @param source With the schema's defaults in it. */
export function withHostDefaults(source: WorkerConfig, surroundings: Surroundings): FilledConfig {
  const filled = source as FilledSource;
  const { host } = surroundings;
  const stateDir = source.stateDir ?? defaultStateDir(surroundings);
  const machineOptions = { ...defaultMachineOptions(host), ...source.machineOptions };
  const capacity = defaultCapacity(host, machineOptions.maxMemory, filled.worker.reserve.memory);
  return {
    ...filled,
    stateDir,
    runDir: source.runDir ?? defaultRunDir(surroundings),
    images: { ...filled.images, directory: filled.images.directory ?? join(stateDir, "images") },
    machineOptions,
    pool: { ...filled.pool, memory: filled.pool.memory ?? Math.floor(host.memoryMiB / 4) },
    network: { ...filled.network, policy: withPolicyDefaults(filled.network.policy) },
    worker: { ...filled.worker, capacity: filled.worker.capacity ?? capacity },
  };
}
