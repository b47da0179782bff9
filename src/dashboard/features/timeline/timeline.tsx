/** The phases of a run one below the other, each where it was in time; steps below the phase they ran in. */
import type { ApiPhase, ApiRunReport, ApiStep } from "../../../generated/api.ts";
import { now } from "../../core/clock.ts";
import { formatDuration, formatSeconds } from "../../core/format.ts";
import { Icon } from "../../ui/icon.tsx";
import { placeBars } from "./place-bars.ts";

export function Timeline({ report }: { report: ApiRunReport }) {
  if (report.phases.length === 0) return <p class="small quiet-text">No phase has begun.</p>;
  const isOpen = report.phases.some(({ durationMs }) => durationMs === undefined) && report.state === "running";
  const bars = placeBars(report.phases, isOpen ? now.value : 0);
  return (
    <ol class="timeline">
      {report.phases.map((phase, index) => {
        const { left, width } = bars[index] ?? { left: 0, width: 0 };
        return (
          <li
            key={`${index}${phase.name}`}
            class={phase.durationMs === undefined && isOpen ? "phase-row open" : "phase-row"}
          >
            <span class="phase-name">{phase.name}</span>
            <span class="phase-track" aria-hidden="true">
              <span class="phase-bar" style={{ left: `${left}%`, width: `${width}%` }} />
            </span>
            <span class="phase-time number">
              <Duration phase={phase} isOpen={isOpen} />
            </span>
            {phase.name === "run" && report.steps.length > 0 ? <Steps steps={report.steps} /> : undefined}
          </li>
        );
      })}
    </ol>
  );
}

function Duration({ phase, isOpen }: { phase: ApiPhase; isOpen: boolean }) {
  if (phase.durationMs !== undefined) return <>{formatDuration(phase.durationMs)}</>;
  return <>{isOpen ? formatSeconds(now.value - Date.parse(phase.startedAt)) : "–"}</>;
}

function Steps({ steps }: { steps: readonly ApiStep[] }) {
  return (
    <ol class="steps">
      {steps.map((step, index) => {
        const { tone, icon, word } = looksOf(step);
        return (
          <li key={`${index}${step.name}`}>
            <span class={`step-icon ${tone}`}>
              <Icon name={icon} />
            </span>
            <span class="step-name">{step.name}</span>
            <span class="visually-hidden">{word}</span>
            <span class="phase-time number">
              {step.exitCode !== undefined && step.exitCode !== 0 ? (
                <span class="bad-text">exit {step.exitCode} · </span>
              ) : (
                ""
              )}
              {step.skipped === true ? "not run" : ""}
              {step.durationMs === undefined ? "" : formatDuration(step.durationMs)}
            </span>
          </li>
        );
      })}
    </ol>
  );
}

function looksOf({ exitCode, skipped, durationMs }: ApiStep) {
  if (skipped === true) return { tone: "idle", icon: "ban", word: "not run" } as const;
  if (exitCode === 0) return { tone: "good", icon: "check", word: "succeeded" } as const;
  if (exitCode === undefined && durationMs === undefined)
    return { tone: "active", icon: "play", word: "running" } as const;
  return { tone: "bad", icon: "cross", word: "failed" } as const;
}
