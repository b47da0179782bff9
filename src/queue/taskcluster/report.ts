/** How a resolution is told to the queue. Pure. */
import type { ExceptionReason } from "../../base/errors.ts";
import type { Resolution } from "../driver.ts";

/** `reason` is what the queue will call it: `reasonResolved`. */
export type Report =
  | { readonly kind: "completed"; readonly reason: "completed" }
  | { readonly kind: "failed"; readonly reason: "failed" }
  | { readonly kind: "exception"; readonly reason: ExceptionReason };

/** The queue resolves these by itself, and takes no report of them. */
const DECIDED_BY_QUEUE: ReadonlySet<ExceptionReason> = new Set(["canceled", "deadline-exceeded", "claim-expired"]);

/** Undefined if there is nothing to report. Messages have no place in the API: they are in the log of the task. */
export function reportOf(resolution: Resolution): Report | undefined {
  if (resolution.kind === "completed") return { kind: "completed", reason: "completed" };
  if (resolution.kind === "failed") return { kind: "failed", reason: "failed" };
  if (DECIDED_BY_QUEUE.has(resolution.reason)) return undefined;
  return { kind: "exception", reason: resolution.reason };
}
