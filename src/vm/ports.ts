/**
 * What a virtual machine needs of the rest of the world. The machine declares
 * the ports; image/ and network/ fit them without knowing it, and sandbox/
 * connects them.
 */
import type { Duplex } from "node:stream";

/** The disk a machine starts from. It belongs to one machine alone and is written to. */
export interface MachineDisk {
  /** Absolute path of the top of the chain. */
  readonly diskFile: string;
  readonly format: "qcow2" | "raw";
  /** Absolute paths for direct boot; undefined boots from the disk. */
  readonly directBoot: { kernel: string; initrd: string | undefined; cmdline: string } | undefined;
}

/**
 * The network of one machine.
 *
 * QEMU gets one end of an anonymous socketpair; `connect` gets the other.
 * Frames on it are length-prefixed: 4 bytes big-endian, then an ethernet frame.
 */
export interface MachineNetwork {
  connect(link: Duplex): void;
}
