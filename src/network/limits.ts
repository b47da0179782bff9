/** What one machine may take of the network; section `network.limits` of the configuration. */
export interface NetworkLimits {
  /** TCP connections to services of the network (metadata, proxy, DNS) at one time. */
  readonly serviceConnections: number;
  /** TCP connections to the outside at one time. */
  readonly outsideConnections: number;
  /** Flows of datagrams to the outside at one time. */
  readonly datagramFlows: number;
  /** New TCP connections; twice as many at once. */
  readonly connectionsPerSecond: number;
  /** Frames from the guest; undefined: no limit. */
  readonly packetsPerSecond: number | undefined;
  /** In each direction; undefined: no limit. */
  readonly bytesPerSecond: number | undefined;
  /** To the outside, both directions together; undefined: no limit. */
  readonly outsideBytes: number | undefined;
  /** Of a connection to the outside without a byte. */
  readonly idleMs: number;
}

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
