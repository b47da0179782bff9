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
  /** What the guest has flushed survives a crash of the host. Default: it need not, the disk goes with its machine. */
  readonly durable?: boolean | undefined;
  /** Absolute paths for direct boot; undefined boots from the disk. */
  readonly directBoot: { kernel: string; initrd: string | undefined; cmdline: string } | undefined;
}

/** UEFI in flash memory; absolute paths. Any number of machines share the code, the variables belong to one. */
export interface MachineFirmware {
  readonly codeFile: string;
  readonly variablesFile: string;
}

/**
 * Where the memory of a machine is. Files are as large as the memory, sparse, and belong to who named them.
 *
 * `shared` writes it to a file that {@link VirtualMachine.capture} completes; `resumed` maps such a file privately:
 * many machines may be resumed from one, and none changes it. `own` is the file of one machine alone, which may be
 * captured at any instant, as often as one likes; with a `stateFile` that machine goes on where one was captured, and
 * the file has that one's memory.
 */
export type MachineMemory =
  | { readonly kind: "anonymous" }
  | { readonly kind: "shared"; readonly memoryFile: string }
  | { readonly kind: "resumed"; readonly memoryFile: string; readonly stateFile: string }
  | { readonly kind: "own"; readonly memoryFile: string; readonly stateFile?: string | undefined };

/** Of a machine that goes on where one was captured; undefined: it boots. */
export function stateFileOf(memory: MachineMemory): string | undefined {
  return memory.kind === "resumed" || memory.kind === "own" ? memory.stateFile : undefined;
}

/**
 * The network of one machine: where QEMU is started, and what its card is wired to.
 *
 * QEMU gets one end of an anonymous socketpair; `connect` gets the other. A network that carries frames on it does so
 * with a prefix of 4 bytes, the length, big-endian; one that does not still learns from it when QEMU is gone.
 */
export interface MachineNetwork {
  /** What comes before a command line so that the program is started where this network is; may be empty. */
  readonly enter: readonly string[];
  /**
   * Value of QEMU's `-netdev`. No network negotiates anything with the guest, so that a snapshot resumes on any.
   *
   * @param linkFd File descriptor of QEMU's end of the socketpair.
   */
  netdev(id: string, linkFd: number): string;
  connect(link: Duplex): void;
}
