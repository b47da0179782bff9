/** Tells who watches the queue what the runs of this worker are at. */
import type { QueueEvents } from "../../queue/queue-events.ts";
import type { WorkerObserver } from "../../worker/observer.ts";

/** @param onPhase Called as well. */
export function phaseEvents(events: QueueEvents, workerId: string, onPhase: () => void): WorkerObserver {
  return {
    claimed: ({ taskId, runId }) => ({
      phaseBegan(phase) {
        events.publish({ kind: "phase", taskId, runId, phase, workerId });
        onPhase();
      },
    }),
  };
}
