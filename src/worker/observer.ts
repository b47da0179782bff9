/**
 * The port to whoever wants to know what becomes of runs: metrics, traces, reports. Nobody is waited for, and what an
 * observer throws stays with it.
 *
 *   claimed ──▶ (phaseBegan ──▶ phaseEnded)… with (stepBegan ──▶ stepEnded)… inside ──▶ over
 */
import { messageOf } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import type { StepResult } from "../feature/steps.ts";
import type { NetworkStats } from "../network/guest-network.ts";
import type { ClaimedTask } from "../queue/driver.ts";
import type { RunPhase, RunReportParts } from "./run-report.ts";
import type { RunEnding } from "./run-state.ts";

export interface WorkerObserver {
  /** A run begins. @returns who hears the rest of it */
  claimed?(task: ClaimedTask): RunObserver | undefined;
  /** The queue was asked for tasks. @param error Undefined: it has answered. */
  queueAnswered?(error: unknown): void;
}

export interface RunObserver {
  /** What lines about the run say beside the ids of the task. */
  readonly logFields?: Readonly<Record<string, string>>;
  phaseBegan?(phase: RunPhase, at: Date): void;
  phaseEnded?(phase: RunPhase, durationMs: number): void;
  /** Only of a task with steps; one that is skipped never begins. */
  stepBegan?(name: string, at: Date): void;
  stepEnded?(step: StepResult): void;
  /** There is an image. @param image.importedBytes What the store took in for it; undefined: it had it already. */
  image?(image: { readonly digest: string; readonly importedBytes: number | undefined }): void;
  /** There is a machine. */
  machine?(facts: MachineFacts): void;
  /** Variables for the next command of the guest. */
  environment?(): Readonly<Record<string, string>>;
  /** Called once; nothing of the run is left. */
  over?(ending: RunEnding, facts: RunFacts): void;
}

export interface MachineFacts {
  readonly imageDigest: string;
  /** `pooled`: it was resumed before there was a task for it. */
  readonly start: "booted" | "resumed" | "pooled" | "forked";
  readonly accelerator: string;
  readonly memoryMiB: number;
}

/** Of a run that is over. */
export interface RunFacts {
  readonly report: RunReportParts;
  /** Those with content. */
  readonly artifacts: readonly { readonly name: string; readonly sizeBytes: number }[];
  readonly logBytes: number;
  /** Undefined where there was no machine with a network. */
  readonly network?: {
    readonly asked: number;
    readonly allowed: number;
    readonly refused: number;
    readonly failed: number;
  };
  /** As it was at the end of the command; undefined where nobody could look. */
  readonly traffic?: NetworkStats;
}

/** One for many; what one of them throws is logged, and not thrown. */
export function joinObservers(observers: readonly WorkerObserver[], logger: Logger): Required<WorkerObserver> {
  const each = <T extends object>(targets: readonly T[], tell: (target: T) => void): void => {
    for (const target of targets) {
      try {
        tell(target);
      } catch (error) {
        logger.log("error", `an observer of the worker failed; this is a bug of Boxcar: ${messageOf(error)}`);
      }
    }
  };
  return {
    queueAnswered: (error) => each(observers, (observer) => observer.queueAnswered?.(error)),
    claimed(task) {
      const runs: RunObserver[] = [];
      each(observers, (observer) => runs.push(...[observer.claimed?.(task) ?? []].flat()));
      const tell = (how: (run: RunObserver) => void) => each(runs, how);
      return {
        logFields: Object.assign({}, ...runs.map(({ logFields }) => logFields)),
        phaseBegan: (...said) => tell((run) => run.phaseBegan?.(...said)),
        phaseEnded: (...said) => tell((run) => run.phaseEnded?.(...said)),
        stepBegan: (...said) => tell((run) => run.stepBegan?.(...said)),
        stepEnded: (...said) => tell((run) => run.stepEnded?.(...said)),
        image: (...said) => tell((run) => run.image?.(...said)),
        machine: (...said) => tell((run) => run.machine?.(...said)),
        environment() {
          const variables: Record<string, string> = {};
          tell((run) => Object.assign(variables, run.environment?.()));
          return variables;
        },
        over: (...said) => tell((run) => run.over?.(...said)),
      };
    },
  };
}
