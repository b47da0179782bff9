/**
 * When a worker whose host fails one task after the other stops claiming, and tries again. Pure.
 *
 *     closed ──`max` host errors in a row──▶ open ──pause is over──▶ one task on trial ──it went well──▶ closed
 *                                             ▲──a host error, a longer pause──┘
 */
export interface BreakerOptions {
  /** So many in a row open it. */
  readonly max: number;
  readonly pauseMs: number;
  readonly maxPauseMs: number;
}

export interface BreakerState {
  readonly errorsInARow: number;
  /** The latest of them, as a sentence. */
  readonly why: string | undefined;
  /** How often in a row it has opened. */
  readonly openings: number;
  /** By a clock that only goes forward; undefined while closed. */
  readonly openUntilMs: number | undefined;
  /** A task that was claimed after the pause runs: only its end says how things are now. */
  readonly onTrial: boolean;
}

export const CLOSED: BreakerState = {
  errorsInARow: 0,
  why: undefined,
  openings: 0,
  openUntilMs: undefined,
  onTrial: false,
};

/** @param wasTrial Whether it was the task on trial that went well. */
export function noteSuccess(state: BreakerState, wasTrial: boolean): BreakerState {
  return state.openUntilMs === undefined || wasTrial ? CLOSED : state;
}

export interface HostFailure {
  /** As a sentence. */
  readonly why: string;
  readonly wasTrial: boolean;
}

export function noteHostError(
  state: BreakerState,
  { why, wasTrial }: HostFailure,
  options: BreakerOptions,
  nowMs: number,
): BreakerState {
  const errorsInARow = state.errorsInARow + 1;
  const opens = state.openUntilMs === undefined ? errorsInARow >= options.max : wasTrial;
  if (!opens) return { ...state, errorsInARow, why };
  const pauseMs = Math.min(options.maxPauseMs, options.pauseMs * 2 ** state.openings);
  return { errorsInARow, why, openings: state.openings + 1, openUntilMs: nowMs + pauseMs, onTrial: false };
}

/** How many tasks may be claimed: all, one on trial, or none for a while. */
export function allowance(state: BreakerState, nowMs: number): { most: number; waitMs: number } {
  if (state.openUntilMs === undefined) return { most: Number.POSITIVE_INFINITY, waitMs: 0 };
  if (state.onTrial) return { most: 0, waitMs: Number.POSITIVE_INFINITY };
  const waitMs = Math.max(0, state.openUntilMs - nowMs);
  return { most: waitMs === 0 ? 1 : 0, waitMs };
}

/** A task was claimed; another state: it is the one on trial. Those asked for before the breaker opened are not. */
export function noteClaim(state: BreakerState, nowMs: number): BreakerState {
  return allowance(state, nowMs).most === 1 ? { ...state, onTrial: true } : state;
}

/** A task ended without saying anything of the host, as one that was cancelled: if it was on trial, another may try. */
export function noteNothing(state: BreakerState, wasTrial: boolean): BreakerState {
  return wasTrial ? { ...state, onTrial: false } : state;
}
