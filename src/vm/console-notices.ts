/** What the kernel of a guest says on its console when a task cannot go on. Pure. */

export interface ConsoleNotice {
  readonly kind: "kernel-panic" | "out-of-memory";
  /** A sentence. */
  readonly message: string;
}

/**
 * The words of Linux.
 *
 * @see linux kernel/panic.c (panic), mm/oom_kill.c (__oom_kill_process)
 */
const PATTERNS: readonly [ConsoleNotice["kind"], RegExp, (found: string[]) => string][] = [
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

export function recognizeNotice(line: string): ConsoleNotice | undefined {
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
