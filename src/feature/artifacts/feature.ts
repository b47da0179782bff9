/** The feature `artifacts`: what the payload names is pulled out of the machine. */
import type { Feature } from "../feature.ts";
import { collectFromGuest } from "./collect-from-guest.ts";

/** For gigabytes out of a slow guest, and no reason to wait for one that never comes to an end. */
const COLLECT_TIMEOUT_MS = 15 * 60_000;

export const artifacts: Feature = {
  name: "artifacts",
  begin({ artifacts: kept, config, note, payload, signal }) {
    if (payload.artifacts.length === 0) return undefined;
    const limits = { maxBytes: config.limits.maxArtifactBytes, maxFiles: config.limits.maxArtifactFiles };
    return {
      async collect({ guest }) {
        const { records, problems } = await collectFromGuest(payload.artifacts, guest, kept.sink, limits, {
          signal,
          timeoutMs: COLLECT_TIMEOUT_MS,
        });
        kept.add(...records);
        for (const problem of problems) note(problem);
        return problems;
      },
    };
  },
};
