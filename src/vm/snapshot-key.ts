/** Which captured machines a machine can be resumed from: those that are the same in all a guest can notice. Pure. */
import { createHash } from "node:crypto";
import { type Accelerator, buildArguments, NETDEV_ID } from "./arguments.ts";
import type { ResolvedMachine } from "./limits.ts";
import type { MachineDisk } from "./ports.ts";

export interface SnapshotTraits {
  machine: ResolvedMachine;
  accelerator: Accelerator;
  directBoot: MachineDisk["directBoot"];
  /** Changes with the program, its version and its place. */
  qemu: string;
  /** Of the host; a guest may have seen what it can do. */
  cpu: string;
  diskSlots?: number | undefined;
  /** Changes with all that its cloud-init is told; undefined: it is told nothing. */
  cloudInit?: string | undefined;
}

/** Changes when what a snapshot consists of does. */
const FORMAT = 1;

/** 64 hexadecimal digits. The image is not part of it: snapshots are kept by image. */
export function snapshotKey({
  machine,
  accelerator,
  directBoot,
  qemu,
  cpu,
  diskSlots,
  cloudInit,
}: SnapshotTraits): string {
  const args = buildArguments(machine, {
    accelerator,
    disk: { diskFile: "/disk", format: "qcow2", directBoot },
    memory: { kind: "shared", memoryFile: "/memory" },
    netdev: NETDEV_ID,
    monitorFd: 0,
    wakeFd: 0,
    consoleFd: 0,
    vncSocket: "/vnc",
    diskSlots,
  });
  return createHash("sha256")
    .update(JSON.stringify([FORMAT, args, qemu, cpu, ...(cloudInit === undefined ? [] : [cloudInit])]))
    .digest("hex");
}
