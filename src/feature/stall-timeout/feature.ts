/**
 * The feature `stallTimeout`: a command that neither prints anything nor uses a disk is ended.
 *
 * What the guest sends over its network says nothing: its agent asks for work all the time.
 */
import { setTimeout as after } from "node:timers/promises";
import { formatDuration } from "../../base/units.ts";
import type { Feature, TaskMachine } from "../feature.ts";
import type { Stop } from "../outcome.ts";
import { type ActivitySample, type Stall, type StallClock, watchForStall } from "./stall-watch.ts";

const HOST_CLOCK: StallClock = {
  now: () => performance.now(),
  date: () => new Date(),
  wait: (ms, signal) => after(ms, undefined, { signal }),
};

export const stallTimeout: Feature = {
  name: "stallTimeout",
  begin({ config, payload }) {
    const limitMs = payload.stallTimeoutMs ?? config.features.stallTimeout.defaultMs;
    if (limitMs === undefined) return undefined;
    return {
      async watch(machine, over) {
        const stall = await watchForStall({ limitMs, look: looksAt(machine), clock: HOST_CLOCK, over });
        return stall && stopOf(stall);
      },
    };
  },
};

/** A machine that cannot say is about to end, which others notice. */
function looksAt({ guest, vm }: TaskMachine): () => Promise<ActivitySample> {
  let diskOperations = 0;
  return async () => {
    diskOperations = await vm.diskOperations().catch(() => diskOperations);
    return { outputBytes: guest.log.receivedBytes, diskOperations };
  };
}

export function stopOf({ idleMs, since }: Stall): Stop {
  const time = `${since.toISOString().slice(0, 19)}Z`;
  const message = `the task was ended because it stalled: no output and no disk activity for ${formatDuration(idleMs)}, since ${time}`;
  return { reason: "stalled", message };
}
