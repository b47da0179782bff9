/** What one machine may take of the network where no configuration says it. */
import type { NetworkLimits } from "../config/network/limits.ts";

export type { NetworkLimits } from "../config/network/limits.ts";

/** The defaults of the section `network.limits` of the configuration. */
export const DEFAULT_LIMITS: NetworkLimits = Object.freeze({
  serviceConnections: 128,
  outsideConnections: 512,
  datagramFlows: 256,
  connectionsPerSecond: 200,
  packetsPerSecond: undefined,
  bytesPerSecond: undefined,
  outsideBytes: undefined,
  idleMs: 3_600_000,
});
