/** What a supervisor says of its start to the command that has started it. */
import type { Blame } from "../../base/errors.ts";
import type { VmErrorCode } from "../errors.ts";

export type SupervisorReport =
  | { readonly kind: "note"; readonly text: string }
  | { readonly kind: "ready" }
  | { readonly kind: "failed"; readonly code: VmErrorCode; readonly message: string; readonly blame: Blame };

export function formatReport(report: SupervisorReport): string {
  return `${JSON.stringify(report)}\n`;
}

/** Undefined: it is something else. It comes from a program of our own, of this very version. */
export function parseReport(raw: unknown): SupervisorReport | undefined {
  if (typeof raw !== "object" || raw === null || !("kind" in raw)) return undefined;
  return raw as SupervisorReport;
}
