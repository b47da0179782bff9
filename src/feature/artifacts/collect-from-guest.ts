/**
 * Collects the artifacts of a task from a guest that may be hostile, or hung: within a time limit, and what it does not
 * give is a problem of the task. How the command ended is known by then, and is not forgotten.
 */
import { formatDuration } from "../../base/units.ts";
import { GuestError } from "../../guest/guest-errors.ts";
import type { ArtifactRequest } from "../payload.ts";
import {
  type ArtifactLimits,
  type ArtifactSink,
  type ArtifactSource,
  type Collection,
  collectArtifacts,
} from "./collect-artifacts.ts";
import { type ArtifactRecord, guessContentType } from "./record.ts";

/** @throws What is neither the task's doing nor the guest's: the machine ended, the disk is full; `signal.reason`. */
export async function collectFromGuest(
  requests: readonly ArtifactRequest[],
  source: ArtifactSource,
  sink: ArtifactSink,
  limits: ArtifactLimits,
  { signal, timeoutMs }: { signal: AbortSignal; timeoutMs: number },
): Promise<Collection> {
  const deadline = AbortSignal.timeout(timeoutMs);
  const either = AbortSignal.any([signal, deadline]);
  const whyEnded = (error: unknown): string => {
    signal.throwIfAborted();
    if (deadline.aborted) return `artifacts were collected for ${formatDuration(timeoutMs)}, which is the limit`;
    if (error instanceof GuestError) return error.message;
    throw error;
  };

  const records: ArtifactRecord[] = [];
  const problems: string[] = [];
  for (const [index, request] of requests.entries()) {
    const stored: ArtifactRecord[] = [];
    try {
      const collection = await collectArtifacts([request], source, recording(sink, stored), limits, either);
      records.push(...collection.records);
      problems.push(...collection.problems);
    } catch (error) {
      const message = whyEnded(error);
      records.push(...stored);
      // The guest is not asked for the others: it would be waited for each time.
      for (const { name } of requests.slice(index).filter(({ optional }) => !optional)) {
        records.push({ name, error: "file-missing-on-worker", message });
        problems.push(`artifact ${name}: file-missing-on-worker: ${message}`);
      }
      break;
    }
  }
  return { records, problems };
}

/** Keeps what has come of a folder although its rest does not. */
function recording(sink: ArtifactSink, stored: ArtifactRecord[]): ArtifactSink {
  return {
    put: async (name, content, signal) => {
      const record = await sink.put(name, content, signal);
      stored.push({ ...record, contentType: guessContentType(name) });
      return record;
    },
  };
}
