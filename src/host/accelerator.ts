/**
 * Which accelerator really runs a guest on this host.
 *
 * That /dev/kvm opens, even that a virtual CPU can be made, does not mean that a
 * guest runs; so a probe machine (probe-sector.ts) has to end by itself, soon. Its
 * answer is kept until the host boots again or QEMU changes; a bad one for an
 * hour only, since a host may have been too busy.
 */
import { access, constants, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { codeOf, WorkerError } from "../base/errors.ts";
import { readCache, writeCache } from "./cache-file.ts";
import { CommandError, runCommand } from "./command.ts";
import { OwnedDirectory } from "./owned-directory.ts";
import { currentOwner } from "./owner.ts";
import { buildProbeSector, PROBE_EXIT_CODE } from "./probe-sector.ts";
import { identifyProgram, stampOf } from "./program.ts";

export type ProbedAccelerator = "kvm" | "tcg";

export interface AcceleratorOptions {
  requested: "auto" | ProbedAccelerator;
  qemuBinary: string;
  /** Absolute path; made if it is not there. */
  cacheDirectory: string;
  signal?: AbortSignal | undefined;
  /** Default 2 s, ten times what the probe takes where the CPU is emulated. */
  timeoutMs?: number;
  /** Default /dev/kvm. */
  kvmDevice?: string;
  /** Milliseconds since 1970. */
  now?: () => number;
}

export interface AcceleratorAnswer {
  accelerator: ProbedAccelerator;
  /** Why it is not KVM although that was not ruled out, as a sentence for people. */
  why?: string;
  /** Whether no probe had to run. */
  cached: boolean;
}

const PROBE_TIMEOUT_MS = 2_000;
/** What an answer of another probe says does not count. */
const PROBE = "counting in 64-bit mode";
const KVM_DEVICE = "/dev/kvm";
const FAULT_LIFETIME_MS = 60 * 60_000;

/** @throws {WorkerError} `kvm-unusable` where KVM was asked for and does not run a guest; `signal.reason`. */
export async function probeAccelerator(options: AcceleratorOptions): Promise<AcceleratorAnswer> {
  if (options.requested === "tcg") return { accelerator: "tcg", cached: true };
  const { fault, cached } = await findFault(options);
  if (fault === undefined) return { accelerator: "kvm", cached };
  if (options.requested === "kvm") {
    throw new WorkerError(`KVM cannot be used: ${fault}; set accelerator to auto or tcg to emulate the CPU instead`, {
      code: "kvm-unusable",
      blame: "host",
    });
  }
  return { accelerator: "tcg", why: `the CPU is emulated (slow), because ${fault}`, cached };
}

/** Runs the probe machine; resolves with what is wrong, or undefined if it ended as it should. */
export async function runProbe(
  accelerator: ProbedAccelerator,
  { qemuBinary, cacheDirectory, signal, timeoutMs = PROBE_TIMEOUT_MS }: Omit<AcceleratorOptions, "requested">,
): Promise<string | undefined> {
  await using directory = await OwnedDirectory.create(cacheDirectory);
  const image = join(directory.path, "probe.img");
  await writeFile(image, buildProbeSector());
  try {
    await runCommand(
      [
        qemuBinary,
        ...["-no-user-config", "-nodefaults", "-display", "none", "-machine", "pc", "-accel", accelerator, "-m", "16M"],
        ...["-drive", `file=${image},format=raw,if=ide,readonly=off`, "-boot", "c"],
        ...["-device", "isa-debug-exit,iobase=0xf4,iosize=0x04", "-no-reboot"],
      ],
      { signal, timeoutMs },
    );
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    if (error.exitCode === PROBE_EXIT_CODE) return undefined;
    if (error.code === "command-not-found") throw error;
    if (error.code === "command-timed-out") return `a guest hangs under ${accelerator.toUpperCase()} on this host`;
    return `QEMU cannot use ${accelerator.toUpperCase()}: ${error.stderr.trim().split("\n").at(-1) || error.message}`;
  }
  return `a guest does not run as it should under ${accelerator.toUpperCase()}`;
}

async function findFault(options: AcceleratorOptions): Promise<{ fault: string | undefined; cached: boolean }> {
  const { cacheDirectory, kvmDevice = KVM_DEVICE, now = Date.now } = options;
  // Nothing to remember: membership of a group changes without a trace that a cache could go by.
  const closed = await accessFault(kvmDevice);
  if (closed !== undefined) return { fault: closed, cached: true };
  const file = join(cacheDirectory, "accelerator.json");
  const key = await cacheKey(options.qemuBinary, kvmDevice);
  const known = await readCache<Cache>(file);
  const age = Math.abs(now() - (known?.at ?? 0));
  if (known?.key === key && (known.fault === undefined || age < FAULT_LIFETIME_MS)) {
    return { fault: known.fault, cached: true };
  }
  const fault = await runProbe("kvm", options);
  await writeCache(file, { key, fault, at: now() });
  return { fault, cached: false };
}

async function accessFault(kvmDevice: string): Promise<string | undefined> {
  try {
    await access(kvmDevice, constants.R_OK | constants.W_OK);
    return undefined;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return `there is no ${kvmDevice}`;
    return `${kvmDevice} may not be opened by this user (is the user in the group kvm?)`;
  }
}

interface Cache {
  key: string;
  /** Undefined: KVM runs guests. */
  fault: string | undefined;
  /** When it was found out, milliseconds since 1970. */
  at: number;
}

/** Changes when the host boots, QEMU is replaced, or access to KVM changes. */
async function cacheKey(qemuBinary: string, kvmDevice: string): Promise<string> {
  const [{ bootId }, qemu, kvm] = await Promise.all([currentOwner(), identifyProgram(qemuBinary), stampOf(kvmDevice)]);
  return [PROBE, bootId, qemu, kvm].join(" ");
}
