/** Whether a machine can be had on this host, found before anything is started. */
import { open } from "node:fs/promises";
import { InvalidInputError, type Issue } from "../base/errors.ts";
import { type CapabilityOptions, findCapabilities, type QemuCapabilities } from "../host/qemu-capabilities.ts";
import { nearest } from "../schema/nearest.ts";
import { readSchema } from "../schema/schema-files.ts";
import { BALLOON, fitsBoard, isDevice, nameOnBoard } from "./boards.ts";
import { chooseFirmware } from "./firmware.ts";
import type { ResolvedMachine } from "./limits.ts";
import type { MachineDisk } from "./ports.ts";

/** What a machine starts: its disk, or a kernel that QEMU can start alone (`elf`) or with a firmware. */
export type BootSource = "disk" | "elf" | "bzimage";

/** Fields that name a device. */
const DEVICE_FIELDS = [
  ...["network", "storage", "graphics", "usb", "sound"],
  ...["keyboard", "mouse", "tablet"],
] as readonly DeviceField[];

type DeviceField = "network" | "storage" | "graphics" | "usb" | "sound" | "keyboard" | "mouse" | "tablet";

const UHCI_PORTS = 2;
const ELF_MAGIC = Buffer.from("\x7fELF");

/**
 * @returns What QEMU can do.
 * @throws {InvalidInputError} (blame: task) with every field that cannot be given.
 */
export async function requireSupported(
  machine: ResolvedMachine,
  { directBoot }: Pick<MachineDisk, "directBoot">,
  options: CapabilityOptions,
): Promise<QemuCapabilities> {
  const source = directBoot === undefined ? "disk" : await kindOfKernel(directBoot.kernel);
  const known = await findCapabilities(options);
  if (findIssues(machine, source, known).length === 0) return known;
  // What was lacking may have been installed since.
  const capabilities = await findCapabilities({ ...options, fresh: true });
  const issues = findIssues(machine, source, capabilities);
  if (issues.length > 0) throw new InvalidInputError("The machine", issues, "task");
  return capabilities;
}

/** Pure. */
export function findIssues(machine: ResolvedMachine, source: BootSource, qemu: QemuCapabilities): Issue[] {
  return [
    ...boardIssues(machine, source, qemu),
    ...firmwareIssues(machine, source, qemu),
    ...tpmIssues(machine, source, qemu),
    ...balloonIssues(machine, qemu),
    ...cloudInitIssues(machine),
    ...cpuIssues(machine, qemu),
    ...DEVICE_FIELDS.flatMap((field) => deviceIssues(field, machine, qemu)),
    ...inputIssues(machine),
    ...layoutIssues(machine, qemu),
  ];
}

async function kindOfKernel(file: string): Promise<BootSource> {
  await using handle = await open(file);
  const { buffer } = await handle.read(Buffer.alloc(ELF_MAGIC.length), 0, ELF_MAGIC.length, 0);
  return buffer.equals(ELF_MAGIC) ? "elf" : "bzimage";
}

function boardIssues({ chipset }: ResolvedMachine, source: BootSource, { boards }: QemuCapabilities): Issue[] {
  const path = "chipset";
  if (!boards.includes(chipset)) {
    return [
      {
        path,
        message: lacks(
          "board",
          chipset,
          valuesOf(path).filter((name) => boards.includes(name)),
        ),
      },
    ];
  }
  if (chipset !== "microvm" || source !== "disk") return [];
  return [{ path, message: "microvm starts no disk, only a kernel that is in the image, and this image has none" }];
}

function firmwareIssues(machine: ResolvedMachine, source: BootSource, { firmware: builds }: QemuCapabilities): Issue[] {
  const { chipset, firmware } = machine;
  if (firmware === "bios") return [];
  const issue = (message: string) => [{ path: "firmware", message }];
  if (chipset === "microvm") return issue("microvm has no UEFI; use bios");
  if (firmware === "uefi-secure" && chipset !== "q35") {
    return issue("uefi-secure needs the board q35, which can protect the variables of its firmware");
  }
  if (source === "elf") {
    return issue(`${firmware} does not start the kernel of this image, which is an ELF file; use bios`);
  }
  if (chooseFirmware(machine, builds) !== undefined) return [];
  return issue(`${firmware} needs the Debian package ovmf, which is not installed on this host`);
}

function tpmIssues(machine: ResolvedMachine, source: BootSource, qemu: QemuCapabilities): Issue[] {
  const { chipset, firmware, tpm } = machine;
  if (!tpm) return [];
  const issue = (message: string) => [{ path: "tpm", message }];
  if (chipset === "microvm") return issue("microvm has no place for a TPM; use q35");
  // The log of a TPM makes the tables of the BIOS so large that QEMU loads an initial RAM disk over them.
  if (source !== "disk" && firmware === "bios") {
    return issue("a TPM does not go with bios and an image that has a kernel; use one that starts from its disk");
  }
  if (!qemu.devices.includes("tpm-crb")) return issue("the installed QEMU has no TPM");
  return qemu.tpm ? [] : issue("a TPM needs the Debian package swtpm, which is not installed on this host");
}

function balloonIssues(machine: ResolvedMachine, { devices }: QemuCapabilities): Issue[] {
  const name = nameOnBoard(machine, BALLOON);
  if (!machine.balloon || devices.includes(name)) return [];
  return [{ path: "balloon", message: `the installed QEMU has no device ${name}; leave balloon out` }];
}

/** What it is told by is in the tables of firmware, or on a disk that only other boards have a place for. */
function cloudInitIssues({ chipset, cloudInit }: ResolvedMachine): Issue[] {
  if (cloudInit === undefined || chipset !== "microvm") return [];
  return [{ path: "cloudInit", message: "microvm has no way to tell cloud-init where to look; use q35" }];
}

function cpuIssues({ cpu, flags }: ResolvedMachine, { cpuModels, cpuFlags }: QemuCapabilities): Issue[] {
  const issues: Issue[] = [];
  if (!cpuModels.includes(cpu)) {
    const message = `the installed QEMU has no CPU model "${cpu}"${hint(cpu, cpuModels)}`;
    issues.push({ path: "cpu", message: `${message}; "-cpu help" lists the ${cpuModels.length} it has` });
  }
  for (const flag of flags) {
    // QEMU takes underscores for dashes.
    const name = flag.slice(1).replaceAll("_", "-");
    if (cpuFlags.includes(name)) continue;
    issues.push({ path: "flags", message: `the installed QEMU has no CPU feature "${name}"${hint(name, cpuFlags)}` });
  }
  return issues;
}

function deviceIssues(field: DeviceField, machine: ResolvedMachine, { devices }: QemuCapabilities): Issue[] {
  const value = machine[field];
  const isThere = (name: string) =>
    !isDevice(name) || name.split("/").every((part) => devices.includes(nameOnBoard(machine, part)));
  const fits = (name: string) => !isDevice(name) || name.startsWith("usb-") || fitsBoard(machine, name);
  const use = () => valuesOf(field).filter((name) => fits(name) && isThere(name));
  if (!fits(value)) {
    const message = `${machine.chipset} has no PCI bus for ${value}; use ${use().join(" or ")}`;
    return [{ path: field, message }];
  }
  return isThere(value) ? [] : [{ path: field, message: lacks("device", value, use()) }];
}

function inputIssues({ usb, keyboard, mouse, tablet }: ResolvedMachine): Issue[] {
  const devices = [keyboard, mouse, tablet].filter((name) => name.startsWith("usb-"));
  if (usb === "none" && devices.length > 0) {
    return [{ path: "usb", message: `none leaves no place for ${devices.join(", ")}` }];
  }
  if (usb.endsWith("-uhci") && devices.length > UHCI_PORTS) {
    return [{ path: "usb", message: `${usb} has ${UHCI_PORTS} ports, too few for ${devices.join(", ")}` }];
  }
  return [];
}

/** Without a screen nobody types. */
function layoutIssues(machine: ResolvedMachine, { keymaps }: QemuCapabilities): Issue[] {
  const { graphics, keyboardLayout } = machine;
  if (graphics === "none" || keymaps.includes(keyboardLayout)) return [];
  const there = valuesOf("keyboardLayout").filter((name) => keymaps.includes(name));
  return [{ path: "keyboardLayout", message: lacks("keyboard layout", keyboardLayout, there) }];
}

function lacks(kind: string, name: string, there: readonly string[]): string {
  const instead = there.length === 0 ? "" : `; it has ${there.join(", ")}`;
  return `the installed QEMU has no ${kind} ${name}${instead}`;
}

function hint(word: string, words: readonly string[]): string {
  const meant = nearest(word, words);
  return meant === undefined ? "" : `; did you mean "${meant}"?`;
}

/** What the schema allows, old names left out. */
function valuesOf(field: string): string[] {
  const { properties, $defs } = readSchema("machine");
  const name = properties?.[field]?.$ref?.split("/").at(-1) ?? "";
  const values = ($defs?.[name]?.["enum"] ?? []) as string[];
  return values.filter((value) => !value.startsWith("pc-"));
}
