/**
 * The command line of QEMU for one machine. Pure and deterministic: the same
 * machine gives the same arguments, and each device the same PCI address, so
 * that a guest sees stable hardware.
 *
 * @see QEMU system/invocation
 */
import { BALLOON, hasPci, nameOnBoard } from "./boards.ts";
import { type BootFrom, boardPlaces, type Cdrom, requireCdromPlaces, virtioPlaces } from "./cdroms.ts";
import { diskNames, diskPlaces, diskSerial, EMPTY_BYTES } from "./data-disks.ts";
import type { ResolvedMachine } from "./limits.ts";
import { mtuOf } from "./network-mtu.ts";
import { type MachineDisk, type MachineFirmware, type MachineMemory, stateFileOf } from "./ports.ts";
import { smbiosTables, systemUuid } from "./smbios.ts";

export type Accelerator = "kvm" | "tcg";

export interface ArgumentContext {
  accelerator: Accelerator;
  disk: MachineDisk;
  memory: MachineMemory;
  /** Value of `-netdev`; its id must be {@link NETDEV_ID}. */
  netdev: string;
  /** File descriptor of the monitor's socket. */
  monitorFd: number;
  /** File descriptor of the host's end of {@link WAKE_PORT}. */
  wakeFd: number;
  /** File descriptor of the host's end of the serial port. */
  consoleFd: number;
  /** Absolute path of the socket that QEMU makes. */
  vncSocket: string;
  /** Undefined: the BIOS of the board. */
  firmware?: MachineFirmware | undefined;
  /** kHz of the counter that an emulated CPU has; undefined: unknown. */
  clockRate?: number | undefined;
  /** File descriptor of the socket on which a TPM answers; undefined: there is none. */
  tpmFd?: number | undefined;
  /** Places for disks; see data-disks.ts. Default: none. */
  diskSlots?: number | undefined;
  /** Default: none. */
  cdroms?: readonly Cdrom[] | undefined;
  /** Default: the disk. */
  bootFrom?: BootFrom | undefined;
}

export const NETDEV_ID = "net0";

/** The virtio-serial port on which a guest says that it may be frozen, and is told who it is. */
const WAKE_PORT = "boxcar.wake";

/**
 * Slots on the root bus, or eight transports of a board without PCI, counted from {@link FIRST_SLOT}. Slot 1 is taken
 * by the south bridge of `pc`, and 0x1f by that of `q35`.
 */
const SLOT = {
  graphics: 0x2,
  network: 0x3,
  storage: 0x4,
  usb: 0x5,
  random: 0x6,
  balloon: 0x7,
  serial: 0x8,
  sound: 0x9,
} as const;

const FIRST_SLOT = 0x2;

/** @throws {InvalidInputError} (blame: task) if the board has no room for the CDs beside the disks. */
export function buildArguments(machine: ResolvedMachine, context: ArgumentContext): string[] {
  return [
    ...["-no-user-config", "-nodefaults", "-name", "boxcar", "-S"],
    ...["-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"],
    ...["-uuid", systemUuid(machine)],
    ...smbiosTables(machine).flatMap((table) => ["-smbios", table]),
    ...board(machine, context.accelerator),
    ...memory(machine, context.memory),
    ...["-chardev", `socket,id=monitor,fd=${context.monitorFd}`, "-mon", "chardev=monitor,mode=control"],
    ...serialPort(context.consoleFd),
    ...clock(machine),
    ...firmware(machine, context),
    ...tpm(context.tpmFd),
    ...boot(machine, context),
    ...storage(machine, context.disk),
    ...emptyDisks(machine, context),
    ...cdroms(machine, context),
    ...network(machine, context.netdev),
    ...graphics(machine, context.vncSocket),
    ...input(machine),
    ...sound(machine),
    ...["-object", "rng-random,id=random0,filename=/dev/urandom"],
    ...device(machine, "virtio-rng-pci", SLOT.random, "rng=random0"),
    ...balloon(machine, context.memory),
    ...wakePort(machine, context.wakeFd),
    // Another number at each start: a kernel that knows it makes its random generator anew.
    ...(machine.chipset === "microvm" ? [] : ["-device", "vmgenid,guid=auto"]),
    ...["-device", "pvpanic"],
    // What ends a guest ends its machine; after a panic it is held until the worker has heard of it.
    ...["-action", "reboot=shutdown,shutdown=poweroff,panic=pause"],
  ];
}

function device(machine: ResolvedMachine, name: string, slot: number, ...options: string[]): string[] {
  const place = hasPci(machine) ? `addr=0x${slot.toString(16)}` : `bus=virtio-mmio-bus.${slot - FIRST_SLOT}`;
  return ["-device", [nameOnBoard(machine, name), ...options, place].join(",")];
}

function board(machine: ResolvedMachine, accelerator: Accelerator): string[] {
  const emulated = accelerator === "tcg";
  const model = machine.cpu === "host" && emulated ? "max" : machine.cpu;
  const hyperV =
    machine.os === "windows" && !emulated ? ["hv_relaxed", "hv_spinlocks=0x1fff", "hv_vapic", "hv_time"] : [];
  const { threads, cores, sockets } = machine;
  return [
    ...["-machine", [...boardOptions(machine), "dump-guest-core=off,memory-backend=memory"].join(",")],
    // The registers of virtio 1.0, which microvm does not give its devices unless told so.
    ...(hasPci(machine) ? [] : ["-global", "virtio-mmio.force-legacy=false"]),
    ...["-accel", emulated ? "tcg,thread=multi" : "kvm"],
    ...["-cpu", [model, ...machine.flags, ...hyperV].join(",")],
    ...["-smp", `cpus=${threads * cores * sockets},threads=${threads},cores=${cores},sockets=${sockets}`],
  ];
}

function boardOptions({ chipset, firmware }: ResolvedMachine): string[] {
  // Its devices, and the switch that ends it, are found by ACPI.
  if (chipset === "microvm") return ["microvm", "usb=off", "acpi=on", "pcie=off", "rtc=on"];
  return [chipset, "usb=off", "vmport=off", ...(firmware === "uefi-secure" ? ["smm=on"] : [])];
}

function memory({ memory: mebibytes }: ResolvedMachine, where: MachineMemory): string[] {
  const size = `id=memory,size=${mebibytes}M`;
  const backend =
    where.kind === "anonymous"
      ? `memory-backend-ram,${size}`
      : `memory-backend-file,${size},mem-path=${escapeValue(where.memoryFile)},share=${where.kind === "resumed" ? "off" : "on"}`;
  const incoming = stateFileOf(where) === undefined ? [] : ["-incoming", "defer"];
  return ["-m", `${mebibytes}M`, "-object", backend, ...incoming];
}

/**
 * Gives back what the guest says is free.
 *
 * @throws {RangeError} The memory is a file that others may share: QEMU would punch the holes into it for all of them.
 */
function balloon(machine: ResolvedMachine, { kind }: MachineMemory): string[] {
  if (!machine.balloon) return [];
  if (kind === "shared" || kind === "resumed") {
    throw new RangeError("a machine with a balloon shares no file for its memory");
  }
  // On microvm that transport is a data disk's, but there is none for a graphics card.
  const slot = hasPci(machine) ? SLOT.balloon : SLOT.graphics;
  return device(machine, BALLOON, slot, "free-page-reporting=on", "deflate-on-oom=on");
}

function serialPort(fd: number): string[] {
  return ["-chardev", `socket,id=console,fd=${fd}`, "-serial", "chardev:console"];
}

function wakePort(machine: ResolvedMachine, fd: number): string[] {
  return [
    ...device(machine, "virtio-serial-pci", SLOT.serial, "id=serial0", "max_ports=2"),
    ...["-chardev", `socket,id=wake,fd=${fd}`],
    ...["-device", `virtserialport,bus=serial0.0,nr=1,chardev=wake,name=${WAKE_PORT}`],
  ];
}

function clock({ os }: ResolvedMachine): string[] {
  return ["-rtc", os === "windows" ? "base=localtime,driftfix=slew" : "base=utc"];
}

function firmware(machine: ResolvedMachine, { firmware: files, disk }: ArgumentContext): string[] {
  if (files === undefined) return [];
  const code = `if=pflash,unit=0,format=raw,readonly=on,file=${escapeValue(files.codeFile)}`;
  const variables = `if=pflash,unit=1,format=raw,cache=${cacheOf(disk)},file=${escapeValue(files.variablesFile)}`;
  // The variables hold the keys of secure boot: only the firmware itself may write them.
  const secure = ["-global", "driver=cfi.pflash01,property=secure,value=on"];
  return [...(machine.firmware === "uefi-secure" ? secure : []), "-drive", code, "-drive", variables];
}

function tpm(fd: number | undefined): string[] {
  if (fd === undefined) return [];
  const emulator = ["-chardev", `socket,id=tpm,fd=${fd}`, "-tpmdev", "emulator,id=tpm0,chardev=tpm"];
  return [...emulator, "-device", "tpm-crb,tpmdev=tpm0"];
}

function boot(machine: ResolvedMachine, context: ArgumentContext): string[] {
  const { directBoot } = context.disk;
  if (directBoot === undefined) return ["-boot", "order=c,strict=on"];
  const { kernel, initrd } = directBoot;
  const cmdline = [directBoot.cmdline, ...clockHint(machine, context)].filter((part) => part !== "").join(" ");
  return [
    ...["-kernel", kernel],
    ...(initrd === undefined ? [] : ["-initrd", initrd]),
    ...(cmdline === "" ? [] : ["-append", cmdline]),
  ];
}

/**
 * On microvm Linux measures its clock with one old timer and nothing else; on a busy host, where the CPU is emulated,
 * every few boots that fails, and it waits for its first tick for ever. KVM tells it.
 */
function clockHint({ chipset }: ResolvedMachine, { accelerator, clockRate }: ArgumentContext): string[] {
  const needed = chipset === "microvm" && accelerator === "tcg" && clockRate !== undefined;
  return needed ? [`tsc_early_khz=${clockRate}`] : [];
}

function storage(machine: ResolvedMachine, disk: MachineDisk): string[] {
  const file = escapeValue(disk.diskFile);
  const drive = `if=none,id=disk0,file=${file},format=${disk.format},cache=${cacheOf(disk)},discard=unmap,detect-zeroes=unmap`;
  return ["-drive", drive, ...disks(machine)];
}

/** Most disks are thrown away with their machine: nothing of them needs to survive a crash of the host. */
function cacheOf({ durable }: MachineDisk): string {
  return durable === true ? "writeback" : "unsafe";
}

function disks(machine: ResolvedMachine): string[] {
  switch (machine.storage) {
    case "virtio-blk-pci":
      return device(machine, "virtio-blk-pci", SLOT.storage, "drive=disk0", "bootindex=1");
    case "virtio-scsi-pci":
      return [
        ...device(machine, "virtio-scsi-pci", SLOT.storage, "id=scsi0"),
        ...["-device", "scsi-hd,bus=scsi0.0,drive=disk0,bootindex=1"],
      ];
    case "nvme":
      return device(machine, "nvme", SLOT.storage, "drive=disk0", "serial=boxcar", "bootindex=1");
    case "ide-hd":
      return ["-device", "ide-hd,bus=ide.0,drive=disk0,bootindex=1"];
  }
}

function emptyDisks(machine: ResolvedMachine, { diskSlots: slots = 0, cdroms = [] }: ArgumentContext): string[] {
  const places = diskPlaces(machine, cdroms).slice(0, slots);
  if (places.length < slots) throw new RangeError(`${machine.chipset} has no room for ${slots} disks`);
  return places.flatMap((place, slot) => {
    const { device: id, empty } = diskNames(slot);
    const options = [`id=${id}`, `drive=${empty}`, `serial=${diskSerial(slot)}`];
    return [
      ...["-blockdev", `null-co,node-name=${empty},size=${EMPTY_BYTES},read-zeroes=on`],
      ...device(machine, "virtio-blk-pci", place, ...options),
    ];
  });
}

function cdroms(machine: ResolvedMachine, { cdroms: all = [], bootFrom = "disk" }: ArgumentContext): string[] {
  requireCdromPlaces(machine, all, bootFrom);
  const onBoard = all.filter(({ drive }) => drive === "board");
  const others = all.filter(({ drive }) => drive === "virtio");
  return [
    ...onBoard.flatMap(({ file }, index) => [
      ...["-drive", `if=none,id=cd${index},media=cdrom,file=${escapeValue(file)},format=raw,readonly=on`],
      // Before the disk, which has the number 1; what has none is never booted from.
      ...["-device", `ide-cd,${boardPlaces(machine)[index]},drive=cd${index}${first(bootFrom, index)}`],
    ]),
    ...others.flatMap(({ file }, index) => [
      ...["-drive", `if=none,id=read-only${index},file=${escapeValue(file)},format=raw,readonly=on`],
      ...device(machine, "virtio-blk-pci", virtioPlaces(machine)[index] as number, `drive=read-only${index}`),
    ]),
  ];
}

function first(bootFrom: BootFrom, index: number): string {
  return bootFrom === "cdrom" && index === 0 ? ",bootindex=0" : "";
}

function network(machine: ResolvedMachine, netdev: string): string[] {
  // Without its option ROM the card is no boot device: a guest is never started by its network.
  const options = [`netdev=${NETDEV_ID}`, `mac=${machine.mac}`, ...(hasPci(machine) ? ["romfile="] : [])];
  // Other cards cannot tell; their guests take it to be the usual one.
  if (machine.network === "virtio-net-pci") options.push(`host_mtu=${mtuOf(machine)}`);
  return ["-netdev", netdev, ...device(machine, machine.network, SLOT.network, ...options)];
}

/** Most viewers that are being greeted; for one more QEMU drops the oldest. More than are let in at all. */
const GREETED = 64;

function graphics(machine: ResolvedMachine, vncSocket: string): string[] {
  const { graphics: card, keyboardLayout } = machine;
  if (card === "none") return ["-display", "none"];
  return [
    ...["-display", "none", "-vnc", `unix:${escapeValue(vncSocket)},share=force-shared,connections=${GREETED}`],
    ...["-k", keyboardLayout],
    ...device(machine, card, SLOT.graphics),
  ];
}

function input(machine: ResolvedMachine): string[] {
  const { usb, keyboard, mouse, tablet } = machine;
  const devices = [keyboard, mouse, tablet].filter((name) => name.startsWith("usb-"));
  const controller = usb === "none" ? [] : device(machine, usb, SLOT.usb, "id=usb");
  return [...controller, ...devices.flatMap((name) => ["-device", `${name},bus=usb.0`])];
}

function sound(machine: ResolvedMachine): string[] {
  const { sound: card } = machine;
  if (card === "none") return [];
  const audio = ["-audiodev", "none,id=audio0"];
  const [codec, controller] = card.split("/") as [string, string | undefined];
  if (controller === undefined) return [...audio, ...device(machine, codec, SLOT.sound, "audiodev=audio0")];
  // QEMU wants the controller before the codec that sits on it.
  return [
    ...audio,
    ...device(machine, controller, SLOT.sound, "id=hda"),
    ...["-device", `${codec},bus=hda.0,audiodev=audio0`],
  ];
}

/** In QEMU's option lists a comma inside a value is doubled. */
function escapeValue(value: string): string {
  return value.replaceAll(",", ",,");
}
