/** What goes wrong with a machine that still runs, and may be why a task fails. Pure. */
import type { QmpEvent } from "../qmp/messages.ts";

export interface VmNotice {
  readonly kind: "kernel-panic" | "out-of-memory" | "disk-error";
  /** A sentence. */
  readonly message: string;
}

/**
 * The words of Linux.
 *
 * @see linux kernel/panic.c (panic), mm/oom_kill.c (__oom_kill_process)
 */
const PATTERNS: readonly [VmNotice["kind"], RegExp, (found: string[]) => string][] = [
  ["kernel-panic", /Kernel panic - not syncing: ?(.{0,200})/, ([why]) => `the kernel of the guest panicked: ${why}`],
  [
    "out-of-memory",
    /(Out of memory|Memory cgroup out of memory): Killed process (\d{1,10}) \(([^)]{1,64})\)/,
    ([kind, pid, name]) =>
      kind === "Out of memory"
        ? `the guest ran out of memory, and its kernel killed process ${pid} (${name}); give the machine more memory`
        : `a control group in the guest ran out of memory, and its kernel killed process ${pid} (${name})`,
  ],
];

/** What a line on the guest's console means, if anything. */
export function recognizeConsoleLine(line: string): VmNotice | undefined {
  for (const [kind, pattern, describe] of PATTERNS) {
    const found = pattern.exec(line);
    // It goes to logs and terminals, and the guest wrote it.
    if (found !== null)
      return {
        kind,
        message: describe(found.slice(1))
          .replaceAll(/\p{Cc}/gu, " ")
          .trim(),
      };
  }
  return undefined;
}

/** What an event of QEMU means, if it is about a disk. @see QEMU qapi/block-core.json (BLOCK_IO_ERROR) */
export function recognizeEvent({ name, data }: QmpEvent): VmNotice | undefined {
  if (name !== "BLOCK_IO_ERROR") return undefined;
  const { operation, reason } = data;
  return { kind: "disk-error", message: `the host failed to ${operation} the disk of the machine: ${reason}` };
}
