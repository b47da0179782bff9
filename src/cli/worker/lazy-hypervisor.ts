/** The machines that stay on the host of a worker, for who asks about them. */
import type { QemuHypervisor } from "../../hypervisor/qemu/qemu-hypervisor.ts";
import type { HypervisorParts } from "../vm/open-hypervisor.ts";

export type LazyHypervisor = () => Promise<QemuHypervisor>;

/** Opened when somebody first asks; again, where that has failed. @param parts.scope Owns what is opened. */
export function lazyHypervisor(parts: HypervisorParts): LazyHypervisor {
  let opened: Promise<QemuHypervisor> | undefined;
  return () => {
    opened ??= open(parts).catch((error: unknown) => {
      opened = undefined;
      throw error;
    });
    return opened;
  };
}

async function open(parts: HypervisorParts): Promise<QemuHypervisor> {
  const { openHypervisorOf } = await import("../vm/open-hypervisor.ts");
  return (await openHypervisorOf(parts)).hypervisor;
}
