/** The feature `caches`: named disks that outlive the machine. */
import type { Feature } from "../feature.ts";
import { ActiveCaches } from "./active-caches.ts";

export const caches: Feature = {
  name: "caches",
  begin: (run) => (run.payload.caches.length === 0 ? undefined : new ActiveCaches(run)),
};
