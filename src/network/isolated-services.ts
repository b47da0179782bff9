/** Services of a machine that reaches nothing else: its HTTP service, and the names of the network's own. */
import { LocalRecords } from "./dns/local-records.ts";
import type { Upstream } from "./dns/upstream.ts";
import { EgressLog } from "./egress/egress-log.ts";
import { GuestServices } from "./guest-services.ts";
import { DEFAULT_LIMITS } from "./limits.ts";

const NO_UPSTREAM: Upstream = {
  resolve: async () => ({ kind: "failed", reason: "nobody is asked" }),
  [Symbol.dispose]() {},
};

/** Whatever policy they are given, they know no other name. */
export function openIsolatedServices(): Promise<GuestServices> {
  return GuestServices.open({
    limits: DEFAULT_LIMITS,
    resolver: { records: new LocalRecords({ hosts: {}, srv: [] }), upstream: NO_UPSTREAM },
    log: new EgressLog(),
  });
}
