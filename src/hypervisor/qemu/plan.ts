/** What QEMU is started with for a machine. Pure. */
import type { VmRecord } from "../../generated/vm-record.ts";
import type { ImageLease } from "../../image/store/image-lease.ts";
import { layerFile } from "../../snapshot/saved-machine.ts";
import { type Accelerator, buildArguments, NETDEV_ID } from "../../vm/arguments.ts";
import type { Cdrom } from "../../vm/cdroms.ts";
import { chooseDiskSlots } from "../../vm/data-disks.ts";
import { type ResolvedMachine, resolveMachine } from "../../vm/limits.ts";
import type { MachineDisk } from "../../vm/ports.ts";
import { MachineFiles } from "./machine-files.ts";

/** More than any machine has: what a record says was allowed when it was made. */
const NO_LIMITS = { maxMemory: Number.MAX_SAFE_INTEGER, maxCPUs: 65_025, defaultThreads: 1 };

/** @param userData What cloud-init is told; only at the first boot. */
export function hardwareOf({ machine }: Pick<VmRecord, "machine">, userData?: string): ResolvedMachine {
  const resolved = resolveMachine({ image: machine }, NO_LIMITS);
  if (userData === undefined || resolved.cloudInit === undefined) return resolved;
  return { ...resolved, cloudInit: { ...resolved.cloudInit, userData } };
}

/** The disk of a machine, and what it boots. */
export function diskOf(
  { directBoot }: Pick<VmRecord, "directBoot">,
  diskFile: string,
  image: Pick<ImageLease, "directBoot">,
): MachineDisk {
  const own = directBoot && { kernel: directBoot.kernel, initrd: directBoot.initrd, cmdline: directBoot.cmdline ?? "" };
  return { diskFile, format: "qcow2", durable: true, directBoot: own ?? image.directBoot };
}

/**
 * The command line, for people: descriptors stand for sockets that the supervisor gives to QEMU, so it cannot be run as
 * it is.
 */
export function describeCommand(
  record: VmRecord,
  options: { folder: string; image: Pick<ImageLease, "directBoot">; qemuBinary: string; accelerator: Accelerator },
): string[] {
  const { folder, image, qemuBinary, accelerator } = options;
  const machine = hardwareOf(record);
  const files = new MachineFiles(folder);
  const cdroms: Cdrom[] = (record.cdroms ?? []).map((file) => ({ file, drive: "board" }));
  const args = buildArguments(machine, {
    ...{
      accelerator,
      disk: diskOf(record, `${folder}/${layerFile(0)}`, image),
      memory: { kind: "own", memoryFile: files.memory },
    },
    netdev: `stream,id=${NETDEV_ID},server=off,addr.type=fd,addr.str=3`,
    ...{ monitorFd: 4, wakeFd: 5, consoleFd: 6, vncSocket: `${record.runDirectory}/q/vnc`, cdroms },
    diskSlots: record.diskSlots ?? chooseDiskSlots(machine, record.disks.length, cdroms),
  });
  return [qemuBinary, ...args];
}
