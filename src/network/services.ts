/**
 * What a machine finds on its network, whatever carries its packets there: decided, answered and accounted in one
 * place, so that both modes behave alike. The carriers (user/, namespace/) declare it here; guest-services.ts is it.
 */
import type { RequestListener } from "node:http";
import type { Duplex } from "node:stream";
import type { UpgradeListener } from "../http/guarded-server.ts";
import type { NetworkPolicy } from "./policy/network-policy.ts";

/** Where the guest wants to. */
export interface Destination {
  /** IPv4, as a uint32. */
  readonly address: number;
  readonly port: number;
}

export interface Flow extends Destination {
  readonly protocol: "tcp" | "udp";
}

/** Datagrams between one port of the guest and one destination. */
export interface DatagramFlow extends Destination {
  readonly guestPort: number;
}

/** Services of one machine. Whoever gives it a connection gives it away. */
export interface NetworkServices {
  /** What the machine may reach now. */
  readonly policy: NetworkPolicy;
  /** Told when the policy has changed. */
  onPolicy(listener: (policy: NetworkPolicy) => void): void;
  /** A connection to the HTTP service, 169.254.169.254:80. */
  serveMetadata(connection: Duplex): void;
  /** A connection to the HTTP proxy, 169.254.169.254:3128. */
  serveProxy(connection: Duplex): void;
  /** Whether a flow to the outside may be tried. What is refused is in the egress log afterwards. */
  admits(flow: Flow): boolean;
  /** A connection of the guest that {@link admits} let pass; it is reset if nobody answers at the destination. */
  connect(connection: Duplex, destination: Destination): void;
  /** Sends a datagram that {@link admits} let pass; `reply` gets what comes back, until the flow has been silent. */
  sendDatagram(flow: DatagramFlow, payload: Buffer, reply: (payload: Buffer) => void): void;
  /** The reply to a DNS message; undefined: it gets none. Never rejects. */
  answerDns(message: Buffer, transport: "udp" | "tcp"): Promise<Buffer | undefined>;
  /** A flow that something else than {@link admits} has refused, so many times, since `first`. */
  noteRefused(flow: Flow, count: number, first: Date): void;
}

/** Services that can be told what to serve, and to whom. */
export interface MachineServices extends NetworkServices {
  setHandler(handler: RequestListener | undefined): void;
  setUpgradeHandler(handler: UpgradeListener | undefined): void;
  setPolicy(policy: NetworkPolicy): void;
}
