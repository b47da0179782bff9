/** What the configuration depends on and cannot decide: the host and who runs the worker. */
import { availableParallelism, homedir, totalmem } from "node:os";
import type { MachineOptions } from "../generated/machine-options.ts";

export interface HostFacts {
  /** Memory of the host. */
  readonly memoryMiB: number;
  /** CPUs this process may use. */
  readonly cpus: number;
}

/** Everything outside the configuration file that has a say in it. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly uid: number;
  readonly home: string;
  readonly host: HostFacts;
}

export function currentSurroundings(env: Surroundings["env"]): Surroundings {
  return {
    env,
    uid: process.getuid?.() ?? 0,
    home: env["HOME"] || homedir(),
    host: { memoryMiB: Math.floor(availableMemoryBytes() / 1_048_576), cpus: availableParallelism() },
  };
}

/** The memory of the host, or of the container the worker is confined to. */
function availableMemoryBytes(): number {
  const limit = process.constrainedMemory();
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem();
}

/** A machine that names no memory gets maxMemory, so the default must leave the host room for several. */
const MAX_DEFAULT_MEMORY_MIB = 4_096;

/** Most CPUs of a machine in the schema. */
const MAX_CPUS = 255;

/** Most machines at once in the schema. */
const MAX_CAPACITY = 1_000;

/** Limits on machines where the configuration sets none: half of the memory, at most 4 GiB, and all CPUs. */
export function defaultMachineOptions({ memoryMiB, cpus }: HostFacts): Required<MachineOptions> {
  return {
    maxMemory: Math.max(1, Math.min(MAX_DEFAULT_MEMORY_MIB, Math.floor(memoryMiB / 2))),
    maxCPUs: Math.max(1, Math.min(MAX_CPUS, cpus)),
    defaultThreads: 1,
  };
}

/** A machine for each CPU, as many as fit into the memory beside the reserve; at least one. */
export function defaultCapacity({ memoryMiB, cpus }: HostFacts, machineMiB: number, reserveMiB: number): number {
  const fitting = Math.floor((memoryMiB - reserveMiB) / Math.max(1, machineMiB));
  return Math.max(1, Math.min(MAX_CAPACITY, cpus, fitting));
}
