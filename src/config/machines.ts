/** Sections `machine` and `machineOptions` of the configuration: do the defaults keep to the limits? */
import type { Issue } from "../base/errors.ts";
import type { MachineOverrides } from "../generated/machine.ts";
import type { MachineOptions } from "../generated/machine-options.ts";

/** Defaults for machines that break the worker's own limits would fail every task, and blame it. */
export function machineIssues(
  { memory = 0, threads = 1, cores = 1, sockets = 1 }: MachineOverrides,
  { maxMemory, maxCPUs }: Required<MachineOptions>,
): Issue[] {
  const issues: Issue[] = [];
  if (memory > maxMemory) {
    issues.push({
      path: "machine.memory",
      message: `${memory} MiB is more than machineOptions.maxMemory, ${maxMemory} MiB`,
    });
  }
  const cpus = threads * cores * sockets;
  if (cpus > maxCPUs) {
    issues.push({ path: "machine", message: `${cpus} CPUs is more than machineOptions.maxCPUs, ${maxCPUs}` });
  }
  return issues;
}
