/**
 * Collects the artifacts of a task from a guest that may be hostile, or hung: within a time limit, and what it does not
 * give is a problem of the task. How the command ended is known by then, and is not forgotten.
 */
import { formatDuration } from "../../base/units.ts";
import { GuestError } from "../../guest/guest-errors.ts";
import { Collection, collectArtifact } from "./collect-artifacts.ts";
import type { ArtifactLimits, ArtifactSource } from "./collect-one.ts";
import type { ArtifactRequest } from "./request.ts";
import type { ArtifactSink } from "./store-artifact.ts";

/** @throws What is neither the task's doing nor the guest's: the machine ended, the disk is full; `signal.reason`. */
export async function collectFromGuest(
  requests: readonly ArtifactRequest[],
  source: ArtifactSource,
  sink: ArtifactSink,
  limits: ArtifactLimits,
  { signal, timeoutMs }: { signal: AbortSignal; timeoutMs: number },
): Promise<Collection> {
  const deadline = AbortSignal.timeout(timeoutMs);
  const options = { ...limits, signal: AbortSignal.any([signal, deadline]) };
  const whyEnded = (error: unknown): string => {
    signal.throwIfAborted();
    if (deadline.aborted) return `artifacts were collected for ${formatDuration(timeoutMs)}, which is the limit`;
    if (error instanceof GuestError) return error.message;
    throw error;
  };

  const collection = new Collection();
  for (const [index, request] of requests.entries()) {
    try {
      await collectArtifact(request, source, sink, options, collection);
    } catch (error) {
      const message = whyEnded(error);
      // The guest is not asked for the others: it would be waited for each time.
      for (const missed of requests.slice(index).filter(({ optional }) => !optional)) {
        collection.miss(missed, "file-missing-on-worker", message);
      }
      break;
    }
  }
  return collection;
}
