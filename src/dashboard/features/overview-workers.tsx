import type { ApiWorker } from "../../generated/api.ts";
import { plural } from "../core/format.ts";
import { StateBadge } from "../ui/state-badge.tsx";

/** How full each worker is, and why one takes nothing. */
export function WorkerBars({ workers }: { workers: readonly ApiWorker[] }) {
  return (
    <ul class="worker-bars">
      {workers.map(({ workerId, status }) => (
        <li key={workerId} class="card">
          <div class="worker-bar-head">
            <span class="worker-bar-name">{workerId}</span>
            <StateBadge state={status.state} />
          </div>
          <div class="worker-bar-line">
            <Meter used={status.running.length} of={status.capacity} label={`Machines of ${workerId}`} />
            <span class="small quiet-text number">
              {status.running.length} of {plural(status.capacity, "machine")}
            </span>
          </div>
          {status.why === undefined ? undefined : <p class="small quiet-text">{sentence(status.why)}</p>}
        </li>
      ))}
    </ul>
  );
}

/** One box for each machine, or a bar where there are many. */
export function Meter({ used, of, label }: { used: number; of: number; label: string }) {
  const text = `${used} of ${of} in use`;
  const boxes = Math.min(of, 16);
  const filled = of === 0 ? 0 : Math.ceil((used / of) * boxes);
  return (
    <span class="meter" role="img" aria-label={`${label}: ${text}`}>
      {Array.from({ length: boxes }, (_, index) => (
        <span key={index} class={index < filled ? "filled" : ""} />
      ))}
    </span>
  );
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`;
}
