/**
 * Ends a machine, more and more firmly:
 *
 *   asked (power button, and the agent) ──30 s──▶ QEMU quits ──5 s──▶ SIGTERM ──5 s──▶ SIGKILL
 *
 * What a guest has written is on its disk but for the last step.
 */
import { setTimeout as after } from "node:timers/promises";

/** What the chain needs of a machine. */
export interface Stoppable {
  /** Settles when nothing of it is left; never rejects. */
  readonly done: Promise<unknown>;
  /** Has the guest end by itself; rejects, or does nothing, where it does not hear. */
  ask(): Promise<unknown>;
  /** Has QEMU end in order. */
  quit(): Promise<unknown>;
  terminate(): void;
  kill(): void;
}

export type StopStep = "asked" | "quit" | "terminated" | "killed";

export interface StopOptions {
  /** How long the guest may take; 0: it is not asked. */
  politeMs?: number | undefined;
  /** Between the steps after that. */
  stepMs?: number | undefined;
  /** Fires when nobody wants to wait any longer for the guest. */
  hurry?: AbortSignal | undefined;
}

export const POLITE_MS = 30_000;
const STEP_MS = 5_000;

/** Resolves with the step that has ended it, when it is gone. */
export async function stopMachine(
  machine: Stoppable,
  { politeMs = POLITE_MS, stepMs = STEP_MS, hurry }: StopOptions = {},
): Promise<StopStep> {
  const isGone = async (ms: number, signal?: AbortSignal) => {
    const given = new AbortController();
    const timer = after(ms, false, {
      signal: AbortSignal.any([given.signal, ...(signal === undefined ? [] : [signal])]),
    });
    return await Promise.race([machine.done.then(() => true), timer.catch(() => false)]).finally(() => given.abort());
  };
  if (politeMs > 0) {
    machine.ask().catch(() => {});
    if (await isGone(politeMs, hurry)) return "asked";
  }
  machine.quit().catch(() => {});
  if (await isGone(stepMs)) return "quit";
  machine.terminate();
  if (await isGone(stepMs)) return "terminated";
  machine.kill();
  await machine.done;
  return "killed";
}
