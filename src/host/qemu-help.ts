/**
 * Reads what QEMU says about itself. Pure.
 *
 * @see QEMU system/invocation, docs/interop/firmware.json
 */

/** A build of UEFI, as its package describes it. */
export interface FirmwareBuild {
  /** Absolute paths: the program, and the variables every machine starts with. */
  readonly code: string;
  readonly variables: string;
  /** Names of boards, with a `*` at the end for any version. */
  readonly boards: readonly string[];
  /** For example `secure-boot`, `requires-smm`. */
  readonly features: readonly string[];
}

/** Of `-machine help`: names of boards, with the short ones that stand for the newest version. */
export function parseBoards(help: string): string[] {
  return [...help.matchAll(/^(\S+) {2,}\S/gm)].map(([, name]) => name as string);
}

/** Of `-device help`. */
export function parseDevices(help: string): string[] {
  return [...help.matchAll(/^name "([^"]+)"/gm)].map(([, name]) => name as string);
}

/** Of `-cpu help`, which before QEMU 9 begins every line with the name of the architecture. */
export function parseCpuModels(help: string): string[] {
  const [models = ""] = help.split("Recognized CPUID flags");
  return [...models.matchAll(/^(?:x86| ) +(\S+)/gm)].map(([, name]) => name as string);
}

/** Of `-device <CPU>,help`: what can be switched on and off. */
export function parseCpuFlags(help: string): string[] {
  return [...help.matchAll(/^ +([^\s=]+)=<bool>/gm)].map(([, name]) => name as string);
}

/** Of `-L help`: folders in which QEMU looks for files of its own. */
export function parseDataDirectories(help: string): string[] {
  return help.split("\n").filter((line) => line.startsWith("/"));
}

/** Undefined for what is no UEFI in flash memory for this kind of CPU, or has no variables of its own. */
export function parseFirmwareDescriptor(text: string): FirmwareBuild | undefined {
  const descriptor = JSON.parse(text) as FirmwareDescriptor;
  const { executable, "nvram-template": variables } = descriptor.mapping ?? {};
  const target = descriptor.targets?.find(({ architecture }) => architecture === "x86_64");
  if (descriptor["interface-types"]?.includes("uefi") !== true || target === undefined) return undefined;
  if (executable?.format !== "raw" || variables?.format !== "raw") return undefined;
  const { machines: boards = [] } = target;
  return { code: executable.filename, variables: variables.filename, boards, features: descriptor.features ?? [] };
}

interface FirmwareFile {
  filename: string;
  format: string;
}

/** The part of a descriptor that is looked at. */
interface FirmwareDescriptor {
  "interface-types"?: string[];
  mapping?: { executable?: FirmwareFile; "nvram-template"?: FirmwareFile };
  targets?: { architecture?: string; machines?: string[] }[];
  features?: string[];
}
