/** A machine that stays, as the API has it. Pure. */
import type { ApiVm } from "../../../generated/api.ts";
import type { VmRecord } from "../../../generated/vm-record.ts";
import type { VmView } from "../../../hypervisor/hypervisor.ts";

export interface VmDocumentFacts {
  /** Name of the worker on whose host it is. */
  readonly worker: string;
  /** Whether the agent in the guest answers; undefined: nobody has asked it. */
  readonly shell?: boolean | undefined;
}

export function vmDocument({ record }: Pick<VmView, "record">, { worker, shell }: VmDocumentFacts): ApiVm {
  const { id, name, state, reason, image, from, machine, process, created, changed, started, starts } = record;
  const { memory: memoryMiB = 0, chipset = "", graphics } = machine;
  const cpus = cpusOf(machine);
  return {
    ...{ id, worker, state, image, memoryMiB, cpus, created, changed, starts },
    ...(name === undefined ? {} : { name }),
    ...(reason === undefined ? {} : { reason }),
    ...(from === undefined ? {} : { from }),
    ...(started === undefined ? {} : { started }),
    ...(shell === undefined ? {} : { shell }),
    ...(process === undefined ? {} : { accelerator: process.accelerator }),
    machine: `${chipset}, ${cpus} CPU${cpus === 1 ? "" : "s"}, ${memoryMiB} MiB`,
    network: networkText(record.network),
    ports: process?.forwards ?? record.forwards,
    display: graphics !== "none",
  };
}

/** For the audit log. */
export function nameOfVm({ id }: Pick<VmRecord, "id">): string {
  return `vms/${id}`;
}

function cpusOf({ threads = 1, cores = 1, sockets = 1 }: VmRecord["machine"]): number {
  return threads * cores * sockets;
}

function networkText(network: VmRecord["network"]): string {
  return typeof network === "string" ? network : `allow ${network.allow.join(", ")}`;
}
