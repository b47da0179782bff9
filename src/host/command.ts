/**
 * Short-lived helper programs (mmdebstrap, mke2fs, depmod …).
 *
 * Every program started here dies with this process, even if it is killed with
 * SIGKILL: `setpriv --pdeathsig` asks the kernel for that, which execa's own
 * clean-up cannot give.
 */
import { execa } from "execa";
import { WorkerError } from "../base/errors.ts";

/** What the kernel may grant one program, enforced by `prlimit`. */
export interface ResourceLimits {
  /** Address space, bytes. */
  addressSpaceBytes?: number;
  /** CPU time, seconds. */
  cpuSeconds?: number;
  /** Largest file it may write, bytes. */
  fileSizeBytes?: number;
}

export interface CommandOptions {
  signal?: AbortSignal | undefined;
  timeoutMs?: number;
  cwd?: string;
  /** Added to the inherited environment. */
  env?: Readonly<Record<string, string>>;
  limits?: ResourceLimits;
  /** What is started in its place and starts it: see rights.ts. */
  starter?: readonly string[];
  /** What it reads from stdin; default nothing. */
  input?: string;
  /** The most it may print to stdout or to stderr before it is ended; default 16 MiB. */
  maxOutputBytes?: number;
  /** Open files that the program gets as file descriptors 3, 4 …; they stay open here. */
  descriptors?: readonly number[];
  /** Called with each line of stdout and stderr as it appears. */
  onLine?: (line: string) => void;
}

/** A program is missing, was refused, failed, or took too long. */
export class CommandError extends WorkerError {
  /** undefined where it did not start or was killed. */
  readonly exitCode: number | undefined;
  readonly stderr: string;

  constructor(
    message: string,
    options: { code: string; exitCode?: number | undefined; stderr?: string; cause?: unknown },
  ) {
    super(message, { code: options.code, blame: "host", cause: options.cause });
    this.exitCode = options.exitCode;
    this.stderr = options.stderr ?? "";
  }
}

/** Where Debian has what administrators use; the PATH of other users may lack it. */
export const ADMINISTRATORS_PATH = "/usr/sbin:/usr/bin:/sbin:/bin";

const DIE_WITH_PARENT = ["setpriv", "--pdeathsig", "KILL", "--"] as const;

function limitArguments(limits: ResourceLimits | undefined): string[] {
  if (limits === undefined) return [];
  const flags = [
    limits.addressSpaceBytes === undefined ? undefined : `--as=${limits.addressSpaceBytes}`,
    limits.cpuSeconds === undefined ? undefined : `--cpu=${limits.cpuSeconds}`,
    limits.fileSizeBytes === undefined ? undefined : `--fsize=${limits.fileSizeBytes}`,
  ].filter((flag) => flag !== undefined);
  return flags.length === 0 ? [] : ["prlimit", ...flags, "--"];
}

/** The argument vector that starts `command` so that it dies with this process and keeps to `limits`. */
export function supervised(command: readonly string[], limits?: ResourceLimits): [string, ...string[]] {
  const [file, ...rest] = [...DIE_WITH_PARENT, ...limitArguments(limits), ...command];
  return [file as string, ...rest];
}

/**
 * Runs `command` to its end and resolves with what it printed.
 *
 * @throws {CommandError} `command-not-found`, `command-timed-out` or `command-failed`; the message holds the
 *   last lines of stderr.
 * @throws `signal.reason` if the signal fired; the program is dead by then.
 */
export async function runCommand(
  command: readonly [string, ...string[]],
  options: CommandOptions = {},
): Promise<{ stdout: string; stderr: string }> {
  options.signal?.throwIfAborted();
  const [file, ...args] = supervised([...(options.starter ?? []), ...command], options.limits);
  const child = execa(file, args, {
    reject: false,
    // Any descriptor may be passed on; the types of execa know some.
    stdio: [
      options.input === undefined ? "ignore" : "pipe",
      "pipe",
      "pipe",
      ...((options.descriptors ?? []) as readonly 3[]),
    ],
    ...(options.input === undefined ? {} : { input: options.input }),
    all: options.onLine !== undefined,
    maxBuffer: options.maxOutputBytes ?? 16 * 1_024 * 1_024,
    forceKillAfterDelay: 2_000,
    ...(options.signal === undefined ? {} : { cancelSignal: options.signal }),
    ...(options.timeoutMs === undefined ? {} : { timeout: options.timeoutMs }),
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.env === undefined ? {} : { env: { ...options.env } }),
  });
  if (options.onLine !== undefined) void forwardLines(child.iterable({ from: "all" }), options.onLine);
  const result = await child;
  const stderr = typeof result.stderr === "string" ? result.stderr : "";
  const stdout = typeof result.stdout === "string" ? result.stdout : "";
  if (!result.failed) return { stdout, stderr };

  options.signal?.throwIfAborted();
  const name = command[0];
  const tail = stderr.trim().split("\n").slice(-5).join("\n");
  if (isMissing(result)) throw notInstalled(name);
  if (result.timedOut) {
    throw new CommandError(`${name} did not finish within ${options.timeoutMs} ms${tail === "" ? "" : `: ${tail}`}`, {
      code: "command-timed-out",
      stderr,
    });
  }
  const how = result.signal === undefined ? `exit code ${result.exitCode}` : `signal ${result.signal}`;
  throw new CommandError(`${name} failed with ${how}${tail === "" ? "" : `: ${tail}`}`, {
    code: "command-failed",
    exitCode: result.exitCode,
    stderr,
  });
}

export function isMissing({ code, exitCode }: { code?: string | undefined; exitCode?: number | undefined }): boolean {
  return code === "ENOENT" || exitCode === 127;
}

export function notInstalled(name: string): CommandError {
  const message = `${name} is not installed; run "boxcar doctor" to see which package has it`;
  return new CommandError(message, { code: "command-not-found" });
}

async function forwardLines(lines: AsyncIterable<unknown>, onLine: (line: string) => void): Promise<void> {
  try {
    for await (const line of lines) onLine(String(line));
  } catch {
    // The failure is reported by the result of the program itself.
  }
}
