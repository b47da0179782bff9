/**
 * The one place that starts qemu-img.
 *
 * What it reads a guest or a stranger has written, so it runs with limits: CPU time, time on the clock, address space,
 * size of what it writes, length of what it says, and without the rights of this process.
 */
import { runCommand } from "./command.ts";
import { Capability, hasRights, withRightToRead } from "./rights.ts";

export interface QemuImgLimits {
  signal?: AbortSignal | undefined;
  /** Time on the clock; default one hour. */
  timeoutMs?: number;
  /** Default half an hour. */
  cpuSeconds?: number;
  /** The largest file it may write; default any. */
  fileSizeBytes?: number;
  /** Default 1 MiB. */
  maxOutputBytes?: number;
}

const HOUR_MS = 3_600_000;
const CPU_SECONDS = 1_800;
const MAX_OUTPUT_BYTES = 1_024 ** 2;
/** qemu-img keeps threads for I/O, each with a stack; what it needs beside them is a tenth of this. */
const ADDRESS_SPACE_BYTES = 4 * 1_024 ** 3;

/**
 * @param args Say the format of each file: none may be guessed.
 * @throws {CommandError} as {@link runCommand} does; `signal.reason`.
 */
export async function runQemuImg(
  args: readonly string[],
  { signal, timeoutMs = HOUR_MS, fileSizeBytes, ...limits }: QemuImgLimits = {},
): Promise<{ stdout: string }> {
  const { cpuSeconds = CPU_SECONDS, maxOutputBytes = MAX_OUTPUT_BYTES } = limits;
  return await runCommand(["qemu-img", ...args], {
    ...{ signal, timeoutMs, maxOutputBytes },
    starter: withRightToRead(await hasRights(Capability.setpcap)),
    // Else its allocator takes address space for each thread.
    env: { MALLOC_ARENA_MAX: "2" },
    limits: {
      addressSpaceBytes: ADDRESS_SPACE_BYTES,
      cpuSeconds,
      ...(fileSizeBytes === undefined ? {} : { fileSizeBytes }),
    },
  });
}
