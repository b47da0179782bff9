/**
 * The life of a machine, as a pure transition function; only
 * {@link VirtualMachine} applies it.
 *
 *     starting ──started──▶ running ⇄ paused ◀──loaded── starting
 *         └───────┴───────────┴──── any end ────▶ stopping ──exited──▶ gone
 *
 * The first thing that ends a machine names the cause; what follows from it does not.
 */
import type { QmpEvent } from "../qmp/messages.ts";

export type VmState = "starting" | "running" | "paused" | "stopping" | "gone";

/** Why a machine ended. */
export type VmEndCause = "killed" | "guest-shutdown" | "guest-reset" | "guest-panic" | "disk-full" | "qemu-died";

export interface VmLife {
  readonly state: VmState;
  readonly cause: VmEndCause | undefined;
}

export type VmOccurrence =
  | { kind: "started" }
  | { kind: "loaded" }
  | { kind: "kill" }
  | { kind: "exited" }
  | { kind: "event"; event: QmpEvent };

export const BIRTH: VmLife = { state: "starting", cause: undefined };

export function advance(life: VmLife, occurrence: VmOccurrence): VmLife {
  if (life.state === "gone") return life;
  switch (occurrence.kind) {
    case "started":
      return life.state === "starting" ? { ...life, state: "running" } : life;
    case "loaded":
      return life.state === "starting" ? { ...life, state: "paused" } : life;
    case "kill":
      return { state: "stopping", cause: life.cause ?? "killed" };
    case "exited":
      return { state: "gone", cause: life.cause ?? "qemu-died" };
    case "event":
      return advanceByEvent(life, occurrence.event);
  }
}

function advanceByEvent(life: VmLife, event: QmpEvent): VmLife {
  switch (event.name) {
    case "STOP":
      return life.state === "running" ? { ...life, state: "paused" } : life;
    case "RESUME":
      return life.state === "paused" ? { ...life, state: "running" } : life;
    case "GUEST_PANICKED":
      return { state: "stopping", cause: life.cause ?? "guest-panic" };
    case "BLOCK_IO_ERROR":
      // QEMU waits for room that nobody will make.
      return event.data["nospace"] === true ? { state: "stopping", cause: life.cause ?? "disk-full" } : life;
    case "SHUTDOWN":
      return { state: "stopping", cause: life.cause ?? shutdownCause(event) };
    default:
      return life;
  }
}

function shutdownCause({ data }: QmpEvent): VmEndCause {
  if (data["reason"] === "guest-panic") return "guest-panic";
  if (data["guest"] === true) return data["reason"] === "guest-reset" ? "guest-reset" : "guest-shutdown";
  // Somebody else sent QEMU a signal.
  return "qemu-died";
}
