/**
 * The network of one machine, whatever its mode: `user` (a network stack in this process, no privileges) or
 * `namespace` (the kernel's, in a network namespace of the machine's own).
 */
import type { RequestListener } from "node:http";
import type { Duplex } from "node:stream";
import type { WorkerError } from "../base/errors.ts";
import type { UpgradeListener } from "../http/guarded-server.ts";
import type { NetworkPolicy } from "./policy/network-policy.ts";

export type NetworkMode = "user" | "namespace";

export interface GuestNetwork extends AsyncDisposable {
  readonly mode: NetworkMode;
  /** As the machine needs it: MachineNetwork in src/vm/ports.ts. */
  readonly enter: readonly string[];
  netdev(id: string, linkFd: number): string;
  connect(link: Duplex): void;
  /**
   * Settles when the network has ended: with an error if it failed, in which case the machine has none any more and
   * should be killed; with undefined if the machine closed it or it was disposed.
   */
  readonly closed: Promise<WorkerError | undefined>;
  /** Who answers the machine's requests to 169.254.169.254 from now on; without a handler they get 503. */
  setHandler(handler: RequestListener | undefined): void;
  /** Who takes over connections that ask for another protocol; without one they are refused. */
  setUpgradeHandler(handler: UpgradeListener | undefined): void;
  /** What the machine may reach from now on; resolved when it is so. Open connections stay. */
  setPolicy(policy: NetworkPolicy): Promise<void>;
  /**
   * Connects to a port of the guest, as from the gateway. The policy is about what the guest begins: it does not matter.
   *
   * @throws {WorkerError} `network-dial-failed`: nobody listens there, nobody answers, or the network has ended.
   */
  dial(port: number): Promise<Duplex>;
  /** What it has seen since it was opened. */
  stats(): Promise<NetworkStats>;
}

/** Of both modes; what a mode cannot count is 0. */
export interface NetworkStats {
  /** From the guest. */
  framesFromGuest: number;
  bytesFromGuest: number;
  /** To the guest. */
  framesToGuest: number;
  bytesToGuest: number;
  /** Flows and names the policy does not allow. */
  refused: number;
  /** By reason: spoofed-mac, spoofed-address, rate-limited … */
  dropped: Readonly<Record<string, number>>;
  /** TCP connections that exist now. */
  connections: number;
  connectionsOpened: number;
  connectionsOverLimit: number;
  /** Waiting for the guest to take it from its network card. */
  waitingBytes: number;
}
