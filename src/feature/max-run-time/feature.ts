/** The feature `maxRunTime`: the command is ended when its time is over. */
import { setTimeout as after } from "node:timers/promises";
import { formatDuration } from "../../base/units.ts";
import type { Feature } from "../feature.ts";

export const maxRunTime: Feature = {
  name: "maxRunTime",
  begin({ config, payload }) {
    const limitMs = payload.maxRunTimeMs ?? config.limits.maxRunTimeMs;
    return {
      async watch(_machine, over) {
        try {
          await after(limitMs, undefined, { signal: over });
        } catch {
          return undefined;
        }
        const message = `the task was ended after its maxRunTime of ${formatDuration(limitMs)}`;
        return { reason: "max-run-time-exceeded", message };
      },
    };
  },
};
