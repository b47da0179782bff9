/** The feature `inputs`: files that are in the machine before the command begins. */
import { join } from "node:path";
import type { Feature } from "../feature.ts";
import { ActiveInputs } from "./active-inputs.ts";

export const inputs: Feature = {
  name: "inputs",
  begin({ payload, config, note, signal }) {
    if (payload.inputs.length === 0) return undefined;
    return new ActiveInputs(payload, {
      ...{ settings: config.features.inputs, note, signal },
      directory: join(config.stateDir, "inputs"),
      reserveBytes: config.worker.reserve.diskBytes,
    });
  },
};
