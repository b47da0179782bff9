/** What a machine becomes when all who have a say are heard, and the worker's limits are applied. Pure. */
import { InvalidInputError, type Issue } from "../base/errors.ts";
import { defaultMachineOptions, type HostFacts } from "../config/host-facts.ts";
import type { Machine, MachineChipset, MachineCloudInit, MachineOverrides } from "../generated/machine.ts";
import { MACHINE_DEFAULTS } from "../generated/machine-defaults.ts";
import type { MachineOptions } from "../generated/machine-options.ts";

/** Limits of a worker, none left open. */
export type MachineLimits = Readonly<Required<MachineOptions>>;

/** The fields that the limits fill in. */
type Sized = Pick<Machine, "memory" | "threads" | "cores" | "sockets">;

type SizeField = keyof Sized;

/** Fields that need not be there. */
type OptionalField = "boot" | "cloudInit";

/** What cloud-init in the guest is told, and where it looks for it. */
export interface ResolvedCloudInit extends MachineCloudInit {
  source: NonNullable<MachineCloudInit["source"]>;
}

/** A machine with every field decided but those that depend on the limits. */
export interface MergedMachine extends Sized, Required<Omit<Machine, SizeField | OptionalField | "chipset">> {
  chipset: Exclude<MachineChipset, "pc-i440fx-2.8">;
  boot: { kernel: string; initrd: string | undefined; cmdline: string } | undefined;
  cloudInit: ResolvedCloudInit | undefined;
}

/** A machine with every field decided: what the command line of QEMU is built from. */
export type ResolvedMachine = Readonly<Omit<MergedMachine, SizeField> & Required<Sized>>;

/** Who has a say, strongest first. */
export interface MachineLayers {
  payload?: MachineOverrides | undefined;
  image?: Machine | undefined;
  config?: MachineOverrides | undefined;
}

/** Most threads, cores or sockets of one machine. */
const MAX_COUNT = 255;

/**
 * Field by field, the strongest layer that names it; a list such as `flags` is replaced as a whole, and `cloudInit` is
 * put together of what each layer says of it.
 */
export function mergeMachine({ payload, image, config }: MachineLayers): MergedMachine {
  const { boot, cloudInit: _one, ...asked }: Machine = { ...config, ...image, ...payload, version: 2 };
  const machine = { ...defaultsBeside(asked), ...asked };
  return {
    ...machine,
    flags: [...machine.flags],
    chipset: machine.chipset === "pc-i440fx-2.8" ? "pc" : machine.chipset,
    boot: boot && { kernel: boot.kernel, initrd: boot.initrd, cmdline: boot.cmdline ?? "" },
    cloudInit: mergeCloudInit([config?.cloudInit, image?.cloudInit, payload?.cloudInit]),
  };
}

/** Weakest first. */
function mergeCloudInit(layers: readonly (MachineCloudInit | undefined)[]): ResolvedCloudInit | undefined {
  if (layers.every((layer) => layer === undefined)) return undefined;
  return Object.assign({ source: "disk" as const }, ...layers) as ResolvedCloudInit;
}

type Defaults = Required<Omit<Machine, SizeField | OptionalField>>;

/** No default asks for what the board or the USB controller that somebody chose has no place for. */
function defaultsBeside({ chipset, usb: askedUsb }: Machine): Defaults {
  const board = chipset === "microvm" ? ({ graphics: "none", usb: "none" } as const) : {};
  const defaults: Defaults = { ...MACHINE_DEFAULTS, flags: [], ...board, version: 2 };
  const usb = askedUsb ?? defaults.usb;
  if (usb === "none") return { ...defaults, keyboard: "PS/2", mouse: "PS/2", tablet: "none" };
  // The tablet points better, and a UHCI controller has but two ports.
  return usb.endsWith("-uhci") ? { ...defaults, mouse: "PS/2" } : defaults;
}

/** Limits that allow `machine`, for who runs a machine of his own without a worker's configuration. */
export function deriveLimits(machine: Sized, host: HostFacts): MachineLimits {
  const { threads = 1, cores = 1, sockets = 1 } = machine;
  const defaults = defaultMachineOptions(host);
  return {
    maxMemory: machine.memory ?? defaults.maxMemory,
    maxCPUs: Math.max(threads * cores * sockets, defaults.maxCPUs),
    defaultThreads: 1,
  };
}

/**
 * `machine` with memory and CPU counts decided: unset memory is all that is allowed; of the unset
 * counts threads start at the default if that fits, then cores, threads and sockets grow in this
 * order while their product fits.
 *
 * @throws {@link InvalidInputError} (blame: task) naming what was asked and what is allowed.
 */
export function applyLimits<M extends Sized>(machine: M, limits: MachineLimits): M & Required<Sized> {
  const sized = { memory: machine.memory ?? limits.maxMemory, ...countCpus(machine, limits) };
  const issues = [...memoryIssues(sized.memory, limits), ...cpuIssues(sized, limits)];
  if (issues.length > 0) throw new InvalidInputError("The machine", issues, "task");
  return { ...machine, ...sized };
}

/** {@link mergeMachine}, then {@link applyLimits}. */
export function resolveMachine(layers: MachineLayers, limits: MachineLimits): ResolvedMachine {
  return applyLimits(mergeMachine(layers), limits);
}

/** For people: "q35, 2 CPUs, 4096 MiB". */
export function describeMachine(machine: ResolvedMachine): string {
  const cpus = product(machine);
  return `${machine.chipset}, ${cpus} CPU${cpus === 1 ? "" : "s"}, ${machine.memory} MiB`;
}

type Counts = Required<Omit<Sized, "memory">>;

function countCpus(asked: Sized, { maxCPUs, defaultThreads }: MachineLimits): Counts {
  const counts: Counts = { threads: asked.threads ?? 1, cores: asked.cores ?? 1, sockets: asked.sockets ?? 1 };
  if (asked.threads === undefined && defaultThreads * counts.cores * counts.sockets <= maxCPUs) {
    counts.threads = defaultThreads;
  }
  for (const field of ["cores", "threads", "sockets"] as const) {
    if (asked[field] !== undefined) continue;
    const others = product(counts) / counts[field];
    counts[field] = Math.max(counts[field], Math.min(Math.floor(maxCPUs / others), MAX_COUNT));
  }
  return counts;
}

function product({ threads, cores, sockets }: Counts): number {
  return threads * cores * sockets;
}

function memoryIssues(memory: number, { maxMemory }: MachineLimits): Issue[] {
  const path = "machine.memory";
  if (memory > maxMemory) {
    return [{ path, message: `${memory} MiB is more than the ${maxMemory} MiB this worker allows` }];
  }
  return memory > 0
    ? []
    : [{ path, message: `this worker allows machines ${maxMemory} MiB of memory, so none can run` }];
}

function cpuIssues(counts: Counts, { maxCPUs }: MachineLimits): Issue[] {
  const cpus = product(counts);
  if (cpus <= maxCPUs) return [];
  const { threads, cores, sockets } = counts;
  const asked = `${threads} threads × ${cores} cores × ${sockets} sockets = ${cpus} CPUs`;
  return [{ path: "machine", message: `${asked} is more than the ${maxCPUs} this worker allows` }];
}
