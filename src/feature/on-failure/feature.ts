/** The feature `onFailure`: the machine is kept as it was when the task failed. */
import type { Feature } from "../feature.ts";
import { keepFailed } from "./keep-failed.ts";

export const onFailure: Feature = {
  name: "onFailure",
  begin(run) {
    const { payload, snapshots } = run;
    if (payload.onFailure === undefined || snapshots === undefined) return undefined;
    const { keepMs } = payload.onFailure;
    return {
      savable: true,
      holds: true,
      failed: (machine, failure) => keepFailed(machine, failure, { run, snapshots, keepMs }),
    };
  },
};
