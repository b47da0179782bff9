/** The feature `checkpoints`: the guest says when its machine is to be kept as it is, and goes on. */
import type { Feature } from "../feature.ts";
import { saveCheckpoint } from "./save-checkpoint.ts";

export const checkpoints: Feature = {
  name: "checkpoints",
  begin(run) {
    const { config, payload, snapshots } = run;
    if (payload.checkpoints === undefined || snapshots === undefined) return undefined;
    const { max } = payload.checkpoints;
    const { maxPerTask } = config.features.checkpoints;
    const request = payload.checkpoints;
    return {
      savable: true,
      checkpoints: {
        max: Math.min(max ?? maxPerTask, maxPerTask),
        save: (machine, name, signal) => saveCheckpoint(machine, name, { run, request, snapshots }, signal),
      },
    };
  },
};
