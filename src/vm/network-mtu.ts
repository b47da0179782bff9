/** The largest packet a machine's network card carries. Pure. */
import type { ResolvedMachine } from "./limits.ts";

const ETHERNET_MTU = 1_500;

/**
 * What a frame costs us and an emulated guest hardly depends on its size, so large ones are worth having. With its
 * headers this one fits a block of 16 KiB, which the kernel of a guest finds in fragmented memory too. A tap device
 * carries up to 65,521.
 */
const VIRTIO_MTU = 15_360;

/** Bytes of an IP packet. Part of what a snapshot holds: a guest reads it once, when it boots. */
export function mtuOf({ network }: Pick<ResolvedMachine, "network">): number {
  return network === "virtio-net-pci" ? VIRTIO_MTU : ETHERNET_MTU;
}
