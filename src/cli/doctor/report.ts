/** What `boxcar doctor` says. Pure. */

export interface Check {
  readonly id: string;
  readonly status: "ok" | "warn" | "fail";
  /** What was found. */
  readonly detail: string;
  /** What to do about it; absent where all is well. */
  readonly remedy?: string;
}

const MARK: Readonly<Record<Check["status"], string>> = { ok: "ok  ", warn: "warn", fail: "FAIL" };

export function formatReport(checks: readonly Check[]): string {
  const width = Math.max(...checks.map(({ id }) => id.length));
  return checks
    .map(({ id, status, detail, remedy }) => {
      const line = `${MARK[status]}  ${id.padEnd(width)}  ${detail}`;
      return remedy === undefined ? line : `${line}\n${" ".repeat(width + 8)}→ ${remedy}`;
    })
    .join("\n");
}

/** Whether tasks can run here. */
export function isHealthy(checks: readonly Check[]): boolean {
  return checks.every(({ status }) => status !== "fail");
}
