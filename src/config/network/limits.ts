/** Part `limits` of the section `network`. */
import type { Issue } from "../../base/errors.ts";
import type { NetworkConfig } from "../../generated/network-config.ts";
import { durationIssues } from "../../schema/duration.ts";
import { durationMs, MIB } from "../quantities.ts";

/** What one machine may take of the network. */
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

type Part = NonNullable<NetworkConfig["limits"]>;

/** The part, with the schema's defaults in it. */
export type FilledNetworkLimits = Required<Omit<Part, Unlimited>> & Pick<Part, Unlimited>;

type Unlimited = "packetsPerSecond" | "mbitPerSecond" | "outsideMiB";

const BYTES_PER_MBIT = 125_000;

export function completeNetworkLimits(part: FilledNetworkLimits): NetworkLimits {
  const { mbitPerSecond, outsideMiB, packetsPerSecond, idle, ...counts } = part;
  return {
    ...counts,
    packetsPerSecond,
    bytesPerSecond: mbitPerSecond === undefined ? undefined : Math.round(mbitPerSecond * BYTES_PER_MBIT),
    outsideBytes: outsideMiB === undefined ? undefined : Math.round(outsideMiB * MIB),
    idleMs: durationMs(idle),
  };
}

export function networkLimitsIssues(path: string, { idle }: FilledNetworkLimits): Issue[] {
  return durationIssues(`${path}.idle`, idle);
}
