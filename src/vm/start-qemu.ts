/** Starts QEMU for a machine, with all that is started or copied beside it. */
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Scope } from "../base/scope.ts";
import { readClockRate } from "../host/cpu.ts";
import { FIRST_SOCKET_FD, HostProcess } from "../host/process.ts";
import { type Accelerator, buildArguments, NETDEV_ID } from "./arguments.ts";
import type { BootFrom, Cdrom } from "./cdroms.ts";
import { chooseFirmware, prepareFirmware } from "./firmware.ts";
import type { ResolvedMachine } from "./limits.ts";
import type { MachineDisk, MachineMemory, MachineNetwork } from "./ports.ts";
import { requireSupported } from "./supported.ts";
import { SoftwareTpm, TPM_NAME } from "./tpm.ts";

export interface QemuOptions {
  qemuBinary: string;
  /** Where answers of QEMU are kept; absolute. Default: in this process only. */
  cacheDirectory?: string | undefined;
  accelerator: Accelerator;
  machine: ResolvedMachine;
  /** In a folder of this machine's own. */
  disk: MachineDisk;
  network: MachineNetwork;
  /** Places for VirtualMachine.insertDisk; default none. See data-disks.ts. */
  diskSlots?: number | undefined;
  /** Read-only; they belong to the caller and outlive the machine. Default: none. See cdroms.ts. */
  cdroms?: readonly Cdrom[] | undefined;
  /** Default: the disk. */
  bootFrom?: BootFrom | undefined;
  /** Default: anonymous. A machine with a state is paused until VirtualMachine.resume. */
  memory?: MachineMemory | undefined;
  /** For sockets; a short absolute path, of this machine alone. */
  runDirectory: string;
  /** Becomes the machine's: disposed when it is gone, and when it does not start. */
  resources: Scope;
  signal?: AbortSignal | undefined;
}

const NETWORK_FD = FIRST_SOCKET_FD;
const MONITOR_FD = FIRST_SOCKET_FD + 1;
const WAKE_FD = FIRST_SOCKET_FD + 2;
const CONSOLE_FD = FIRST_SOCKET_FD + 3;
const SOCKETS = 4;
const TPM_FD = FIRST_SOCKET_FD + SOCKETS;

export const ANONYMOUS: MachineMemory = { kind: "anonymous" };

/**
 * Resolves with QEMU, which waits for its monitor to be used. Its sockets are those of network, monitor, wake port and
 * serial port.
 *
 * @throws {InvalidInputError} for a machine that cannot be given; `signal.reason`. What else was started is in
 *   `resources` then.
 */
export async function startQemu(options: QemuOptions, vncSocket: string): Promise<HostProcess> {
  const { machine, disk, qemuBinary, cacheDirectory } = options;
  const capabilities = await requireSupported(machine, disk, { qemuBinary, cacheDirectory });
  options.signal?.throwIfAborted();
  await mkdir(options.runDirectory, { recursive: true, mode: 0o700 });
  const own = dirname(disk.diskFile);
  const build = machine.firmware === "bios" ? undefined : chooseFirmware(machine, capabilities.firmware);
  const firmware = build && (await prepareFirmware(build, own));
  const tpm = machine.tpm ? options.resources.use(await SoftwareTpm.start(join(own, TPM_NAME))) : undefined;
  const args = buildArguments(machine, {
    vncSocket,
    firmware,
    clockRate: await readClockRate(),
    tpmFd: tpm && TPM_FD,
    accelerator: options.accelerator,
    disk,
    memory: options.memory ?? ANONYMOUS,
    netdev: options.network.netdev(NETDEV_ID, NETWORK_FD),
    monitorFd: MONITOR_FD,
    wakeFd: WAKE_FD,
    consoleFd: CONSOLE_FD,
    diskSlots: options.diskSlots,
    cdroms: options.cdroms,
    bootFrom: options.bootFrom,
  });
  return HostProcess.start([...options.network.enter, qemuBinary, ...args], {
    sockets: SOCKETS,
    inherited: tpm === undefined ? [] : [tpm.socket],
  });
}
