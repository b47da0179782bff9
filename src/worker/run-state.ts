/**
 * What becomes of one claimed run. Pure: says what to do next, and never does it.
 *
 *     running ──ran──▶ publishing ──published──▶ resolving ──told──▶ over
 *        │                 │ failed for good ───────▶ ▲                ▲
 *        │ stop            │ stop                     │                │
 *        ▼                 ▼                          │                │
 *     stopping ──ran──▶ (publishes what there is) ────┘                │
 *        lost, in any state: nothing more is published or told ────────┘
 */
import type { Cancellation } from "../base/errors.ts";
import type { Resolution } from "../queue/driver.ts";

export type RunState =
  | { readonly kind: "running" }
  | { readonly kind: "stopping"; readonly why: Cancellation; readonly lost: boolean }
  | { readonly kind: "publishing"; readonly resolution: Resolution }
  | { readonly kind: "resolving"; readonly resolution: Resolution }
  | { readonly kind: "over"; readonly end: RunEnding };

/** What the queue was told, or why it is told nothing. */
export type RunEnding = { readonly resolution: Resolution } | { readonly lost: Cancellation };

export type RunEvent =
  /** The machine is gone, and how the run ended. */
  | { readonly kind: "ran"; readonly resolution: Resolution }
  | { readonly kind: "published" }
  /** Artifacts could not be kept, and never will be. */
  | { readonly kind: "unpublishable"; readonly resolution: Resolution }
  /** The queue knows. */
  | { readonly kind: "told" }
  /** The run is not ours any more. */
  | { readonly kind: "lost"; readonly why: Cancellation }
  /** The worker ends it. */
  | { readonly kind: "stop"; readonly why: Cancellation };

export type RunEffect =
  /** Ends whatever goes on for the run: its machine, or the publishing. */
  | { readonly kind: "abort"; readonly why: Cancellation }
  | { readonly kind: "publish" }
  | { readonly kind: "resolve"; readonly resolution: Resolution };

export interface Transition {
  readonly state: RunState;
  readonly effects: readonly RunEffect[];
}

export const BEGIN: RunState = { kind: "running" };

export function transition(state: RunState, event: RunEvent): Transition {
  if (state.kind === "over") return stay(state);
  if (event.kind === "lost") return lose(state, event.why);
  switch (state.kind) {
    case "running":
      if (event.kind === "ran") return publish(event.resolution);
      if (event.kind !== "stop") return stay(state);
      return {
        state: { kind: "stopping", why: event.why, lost: false },
        effects: [{ kind: "abort", why: event.why }],
      };
    case "stopping":
      if (event.kind !== "ran") return stay(state);
      if (state.lost) return { state: { kind: "over", end: { lost: state.why } }, effects: [] };
      return publish(event.resolution);
    case "publishing":
      if (event.kind === "published") return resolve(state.resolution);
      if (event.kind === "unpublishable") return resolve(withoutArtifacts(state.resolution, event.resolution));
      if (event.kind !== "stop") return stay(state);
      // Without its artifacts it has not completed: who runs it again gets them.
      return { ...resolve(exceptionOf(event.why)), effects: abortThenResolve(event.why) };
    case "resolving":
      if (event.kind !== "told") return stay(state);
      return { state: { kind: "over", end: { resolution: state.resolution } }, effects: [] };
  }
}

/** An exception has its own reason, by which the queue runs the task again, or does not. */
function withoutArtifacts(resolution: Resolution, instead: Resolution): Resolution {
  return resolution.kind === "exception" ? resolution : instead;
}

export function exceptionOf({ reason, message }: Cancellation): Resolution {
  return { kind: "exception", reason, message };
}

function lose(state: Exclude<RunState, { kind: "over" }>, why: Cancellation): Transition {
  const effects: RunEffect[] = [{ kind: "abort", why }];
  // Its machine must be gone before the run is.
  if (state.kind === "running" || state.kind === "stopping") {
    return { state: { kind: "stopping", why, lost: true }, effects };
  }
  return { state: { kind: "over", end: { lost: why } }, effects };
}

function publish(resolution: Resolution): Transition {
  return { state: { kind: "publishing", resolution }, effects: [{ kind: "publish" }] };
}

function resolve(resolution: Resolution): Transition {
  return { state: { kind: "resolving", resolution }, effects: [{ kind: "resolve", resolution }] };
}

function abortThenResolve(why: Cancellation): RunEffect[] {
  return [
    { kind: "abort", why },
    { kind: "resolve", resolution: exceptionOf(why) },
  ];
}

function stay(state: RunState): Transition {
  return { state, effects: [] };
}
