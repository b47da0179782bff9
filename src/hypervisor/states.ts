/**
 * The life of a long-lived machine, as pure functions.
 *
 *   creating ──made──▶ created ──started──▶ running ⇄ paused
 *       │                  ▲                   │        │
 *       │                  │                   ├────────┴──started: again, under the same supervisor──▶ running
 *       ▼                  │                   └──ended────▶ stopped ──started──▶ running
 *     (gone)             (rolled back: gone)            any ──failed──▶ error ──started──▶ running
 *
 * While a machine runs its supervisor is the only one that changes its record; else whoever holds its lock.
 */
import type { VmRecord } from "../generated/vm-record.ts";
import { VmError } from "./errors.ts";

export type VmState = VmRecord["state"];

export type VmOccurrence = "made" | "started" | "paused" | "resumed" | "ended" | "failed";

const NEXT: Readonly<Record<VmState, Partial<Record<VmOccurrence, VmState>>>> = {
  creating: { made: "created", failed: "error" },
  created: { started: "running", failed: "error" },
  running: { paused: "paused", started: "running", ended: "stopped", failed: "error" },
  paused: { resumed: "running", started: "running", ended: "stopped", failed: "error" },
  stopped: { started: "running", failed: "error" },
  error: { started: "running", failed: "error" },
};

/** Undefined: this cannot happen in that state. */
export function nextState(state: VmState, occurrence: VmOccurrence): VmState | undefined {
  return NEXT[state][occurrence];
}

/** What becomes of a record by it. @throws {VmError} `vm-state`: a bug of the caller. */
export function advanceRecord(
  record: VmRecord,
  occurrence: VmOccurrence,
  { now, reason }: { now: Date; reason?: string | undefined },
): VmRecord {
  const state = nextState(record.state, occurrence);
  if (state === undefined) {
    throw new VmError("vm-state", `a machine that is ${record.state} cannot be "${occurrence}"`, { blame: "worker" });
  }
  const { reason: _old, process, ...rest } = record;
  const time = now.toISOString();
  return {
    ...rest,
    ...{ state, changed: time },
    ...(reason === undefined ? {} : { reason: reason.slice(0, MAX_REASON) }),
    ...(isLive(state) && process !== undefined ? { process } : {}),
    ...(occurrence === "started" ? { started: time, starts: record.starts + 1 } : {}),
  };
}

const MAX_REASON = 4_000;

/** It has a process. */
export function isLive(state: VmState): boolean {
  return state === "running" || state === "paused";
}

export type VmAction = "start" | "stop" | "pause" | "resume" | "remove" | "use" | "capture";

/** What is to be done where somebody wants this of a machine. */
export type VmDecision =
  | { readonly kind: "go" }
  | { readonly kind: "nothing" }
  | { readonly kind: "refuse"; why: string };

const GO: VmDecision = { kind: "go" };
const NOTHING: VmDecision = { kind: "nothing" };

/** @param state As it is in truth: see {@link apparentState}. */
export function decide(action: VmAction, state: VmState, called: string): VmDecision {
  const refuse = (why: string): VmDecision => ({ kind: "refuse", why: `${called} ${why}` });
  if (state === "creating") return refuse("is being made by another command; wait for that");
  switch (action) {
    case "start":
      if (state === "paused") return refuse(`is paused; "boxcar vm resume ${called}" lets it go on`);
      return state === "running" ? NOTHING : GO;
    case "stop":
      return isLive(state) ? GO : NOTHING;
    case "pause":
      if (state === "paused") return NOTHING;
      return state === "running" ? GO : refuse(`is ${state}; only a machine that runs can be paused`);
    case "resume":
      if (state === "running") return NOTHING;
      return state === "paused" ? GO : refuse(`is ${state}; "boxcar vm start ${called}" starts it`);
    case "remove":
      return isLive(state) ? refuse(`is ${state}; stop it first, or remove it with --force`) : GO;
    case "use":
      if (state === "paused") return refuse(`is paused; "boxcar vm resume ${called}" lets it go on`);
      return state === "running" ? GO : refuse(`is ${state}; "boxcar vm start ${called}" starts it`);
    case "capture":
      return isLive(state) ? GO : refuse(`is ${state}; "boxcar vm start ${called}" starts it`);
  }
}

/** Whether nobody has the machine that its record says runs. */
export function isStale(record: Pick<VmRecord, "state">, isAlive: boolean): boolean {
  return isLive(record.state) && !isAlive;
}

/** @param isAlive Its supervisor is there. */
export function apparentState({ state }: Pick<VmRecord, "state">, isAlive: boolean): VmState {
  return isStale({ state }, isAlive) ? "stopped" : state;
}

export type VmRepair =
  | { readonly kind: "none" }
  | { readonly kind: "remove" }
  | { readonly kind: "write"; record: VmRecord };

/** What has to be done about a record whose lock nobody held before: whoever was at it is dead, or done. */
export function repair(record: VmRecord, now: Date): VmRepair {
  if (record.removing === true || record.state === "creating") return { kind: "remove" };
  if (!isLive(record.state)) return { kind: "none" };
  const reason = "its supervisor was killed, and the machine with it";
  return { kind: "write", record: advanceRecord(record, "ended", { now, reason }) };
}
