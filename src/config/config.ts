/** The configuration of one worker process: file < environment, every default decided, frozen. Pure. */
import { join } from "node:path";
import { InvalidInputError, type Issue } from "../base/errors.ts";
import { tryParseDuration } from "../base/units.ts";
import type { MachineOverrides } from "../generated/machine.ts";
import type { MachineOptions } from "../generated/machine-options.ts";
import type { WorkerConfig } from "../generated/worker-config.ts";
import { durationIssues } from "../schema/duration.ts";
import { parseAs } from "../schema/parse.ts";
import { defaultRunDir, defaultStateDir } from "./default-paths.ts";
import { applyEnvironment } from "./environment.ts";
import { defaultMachineOptions, type Surroundings } from "./host-facts.ts";

/** See schemas/worker-config.schema.json for what each field means; here durations are ms and sizes bytes. */
export interface Config {
  readonly stateDir: string;
  readonly runDir: string;
  readonly images: {
    readonly directory: string;
    readonly default: string;
    readonly maxSizeBytes: number;
    readonly allowPaths: boolean;
    readonly allowUrls: boolean;
  };
  readonly machineOptions: Readonly<Required<MachineOptions>>;
  readonly machine: Readonly<MachineOverrides>;
  readonly accelerator: "auto" | "kvm" | "tcg";
  readonly qemu: { readonly binary: string };
  readonly pool: { readonly machines: number; readonly memory: number; readonly maxIdleMs: number };
  readonly limits: {
    readonly maxRunTimeMs: number;
    readonly bootTimeoutMs: number;
    readonly maxLogBytes: number;
    readonly maxArtifactBytes: number;
    readonly maxArtifactFiles: number;
  };
}

/** Leaves room for the names below it: the path of a unix socket has at most 107 bytes. */
const MAX_RUN_DIR_BYTES = 64;

const MIB = 1_048_576;
const GIB = 1_073_741_824;

/**
 * The configuration that `document` and the environment make together.
 *
 * @param document What the configuration file says; undefined if there is none.
 * @throws {@link InvalidInputError} (blame: host) with every issue of the file and of the environment.
 */
export function resolveConfig(document: unknown, surroundings: Surroundings, subject = "The configuration"): Config {
  const issues: Issue[] = [];
  const collect = <T>(parse: () => T): T | undefined => {
    try {
      return parse();
    } catch (error) {
      if (!(error instanceof InvalidInputError)) throw error;
      issues.push(...error.issues);
      return undefined;
    }
  };
  const fromFile = collect(() => parseAs("worker-config", document ?? {}, { subject, blame: "host" }));
  const merged = collect(() => applyEnvironment(fromFile ?? defaults(), surroundings.env));
  const source = merged ?? defaults();
  const config = complete(source, surroundings);
  issues.push(...semanticIssues(source, config));
  if (issues.length > 0) throw new InvalidInputError(subject, issues, "host");
  return deepFreeze(config);
}

function defaults(): WorkerConfig {
  return parseAs("worker-config", {}, { subject: "The default configuration", blame: "worker" });
}

function complete(source: WorkerConfig, surroundings: Surroundings): Config {
  const { images, limits, machine = {}, pool, qemu } = source as DefaultsFilled;
  const stateDir = source.stateDir ?? defaultStateDir(surroundings);
  return {
    stateDir,
    runDir: source.runDir ?? defaultRunDir(surroundings),
    images: {
      directory: images.directory ?? join(stateDir, "images"),
      default: images.default,
      maxSizeBytes: Math.round(images.maxSizeGiB * GIB),
      allowPaths: images.allowPaths,
      allowUrls: images.allowUrls,
    },
    machineOptions: { ...defaultMachineOptions(surroundings.host), ...source.machineOptions },
    machine,
    accelerator: source.accelerator ?? "auto",
    qemu: { binary: qemu.binary },
    pool: {
      machines: pool.machines,
      memory: pool.memory ?? Math.floor(surroundings.host.memoryMiB / 4),
      maxIdleMs: tryParseDuration(pool.maxIdle) ?? 0,
    },
    limits: {
      maxRunTimeMs: tryParseDuration(limits.maxRunTime) ?? 0,
      bootTimeoutMs: tryParseDuration(limits.bootTimeout) ?? 0,
      maxLogBytes: Math.round(limits.maxLogMiB * MIB),
      maxArtifactBytes: Math.round(limits.maxArtifactMiB * MIB),
      maxArtifactFiles: limits.maxArtifactFiles,
    },
  };
}

/** What `parseAs` has seen to, by the defaults in the schema. */
interface DefaultsFilled extends WorkerConfig {
  images: Required<Omit<NonNullable<WorkerConfig["images"]>, "directory">> & { directory?: string };
  limits: Required<NonNullable<WorkerConfig["limits"]>>;
  pool: Required<Omit<NonNullable<WorkerConfig["pool"]>, "memory">> & { memory?: number };
  qemu: Required<NonNullable<WorkerConfig["qemu"]>>;
}

function semanticIssues(source: WorkerConfig, config: Config): Issue[] {
  const { limits, pool } = source as DefaultsFilled;
  return [
    ...durationIssues("limits.maxRunTime", limits.maxRunTime),
    ...durationIssues("limits.bootTimeout", limits.bootTimeout),
    ...durationIssues("pool.maxIdle", pool.maxIdle),
    ...runDirIssues(config.runDir),
    ...machineIssues(config),
  ];
}

function runDirIssues(runDir: string): Issue[] {
  const bytes = Buffer.byteLength(runDir);
  if (bytes <= MAX_RUN_DIR_BYTES) return [];
  const message = `has ${bytes} bytes, and at most ${MAX_RUN_DIR_BYTES} leave room for the sockets in it; choose a shorter one`;
  return [{ path: "runDir", message }];
}

/** Defaults for machines that break the worker's own limits would fail every task, and blame it. */
function machineIssues({ machine, machineOptions: { maxMemory, maxCPUs } }: Config): Issue[] {
  const { memory = 0, threads = 1, cores = 1, sockets = 1 } = machine;
  const issues: Issue[] = [];
  if (memory > maxMemory) {
    issues.push({
      path: "machine.memory",
      message: `${memory} MiB is more than machineOptions.maxMemory, ${maxMemory} MiB`,
    });
  }
  const cpus = threads * cores * sockets;
  if (cpus > maxCPUs) {
    issues.push({ path: "machine", message: `${cpus} CPUs is more than machineOptions.maxCPUs, ${maxCPUs}` });
  }
  return issues;
}

function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null) {
    for (const inner of Object.values(value)) deepFreeze(inner);
    Object.freeze(value);
  }
  return value;
}
