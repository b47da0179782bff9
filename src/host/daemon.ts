/**
 * A program that goes on when this process has ended: no terminal reaches it, and nothing of it ends with us.
 *
 * It says on file descriptor {@link REPORT_FD} how its start goes, one JSON document a line, and closes that when it has.
 */
import { open } from "node:fs/promises";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { execa } from "execa";

/** Of the program, on which it reports. */
export const REPORT_FD = 3;

export interface DaemonOptions {
  /** Absolute path of the file to which stdout and stderr are appended. */
  logFile: string;
  /** Added to the inherited environment. */
  env?: Readonly<Record<string, string>>;
  /** Called with each document that it reports. */
  onReport: (report: unknown) => void;
  /** Fires when it is not wanted any more, while it starts: it is told to end, by SIGTERM. */
  signal?: AbortSignal | undefined;
}

/** Resolves when it reports no more, or is gone. @throws `signal.reason`, when that is so. */
export async function startDaemon(
  [file, ...args]: readonly [string, ...string[]],
  { logFile, env, onReport, signal }: DaemonOptions,
): Promise<{ readonly pid: number | undefined }> {
  signal?.throwIfAborted();
  const log = await open(logFile, "a", 0o600);
  try {
    const child = execa(file, args, {
      ...{ detached: true, cleanup: false, buffer: false, reject: false, cwd: "/" },
      // One that is told to end may take its time to put things right.
      forceKillAfterDelay: false,
      // Any descriptor may be passed on; the types of execa know some.
      stdio: ["ignore", log.fd as 1, log.fd as 2, "pipe"],
      ...(env === undefined ? {} : { env: { ...env } }),
    });
    child.nodeChildProcess.unref();
    const onAbort = () => void child.kill("SIGTERM");
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      await readReports(child.stdio[REPORT_FD] as Readable | undefined, onReport);
    } finally {
      signal?.removeEventListener("abort", onAbort);
    }
    signal?.throwIfAborted();
    return { pid: child.pid };
  } finally {
    await log.close();
  }
}

async function readReports(reports: Readable | undefined, onReport: DaemonOptions["onReport"]): Promise<void> {
  if (reports === undefined) return;
  for await (const line of createInterface({ input: reports })) {
    const report = tryParse(line);
    if (report !== undefined) onReport(report);
  }
}

function tryParse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
