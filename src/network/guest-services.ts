/**
 * Everything one machine finds on its network: its HTTP service, the proxy, DNS, and the way outside, under one policy.
 * Whatever carries its packets only delivers them here; that a connection came here is what says whose it is.
 *
 *   isolated ──setPolicy──▶ any policy, any number of times; what is open stays open
 *
 * *Owns* the connections it is given, what they lead to, the upstream of the resolver, and the egress log.
 */
import type { RequestListener } from "node:http";
import type { Duplex } from "node:stream";
import { Scope } from "../base/scope.ts";
import { GuardedServer, type UpgradeListener } from "../http/guarded-server.ts";
import { GuestResolver, type GuestResolverStats } from "./dns/guest-resolver.ts";
import type { LocalRecords } from "./dns/local-records.ts";
import { RecordLookup } from "./dns/record-lookup.ts";
import type { Upstream } from "./dns/upstream.ts";
import { Egress } from "./egress/egress.ts";
import type { EgressSink, LoggedEntry } from "./egress/egress-entry.ts";
import type { EgressCounts } from "./egress/egress-log.ts";
import type { EgressRecord } from "./egress/egress-record.ts";
import type { Outside } from "./egress/outside.ts";
import { reset } from "./egress/reset.ts";
import type { NetworkLimits } from "./limits.ts";
import { AddressVetting } from "./policy/address-vetting.ts";
import { ISOLATED, type NetworkPolicy } from "./policy/network-policy.ts";
import type { DatagramFlow, Destination, Flow, NetworkServices } from "./services.ts";

/** Serves connections that it is given; disposal ends them. */
export interface ConnectionServer extends AsyncDisposable {
  serve(connection: Duplex): void;
}

export interface GuestServicesOptions {
  readonly limits: NetworkLimits;
  /** The upstream is the services' from now on. */
  readonly resolver: { readonly records: LocalRecords; readonly upstream: Upstream };
  /** Answers requests to the HTTP service that are for one of its proxies; borrowed. */
  readonly proxies?: { withProxies(handler: RequestListener, log: EgressSink): RequestListener } | undefined;
  /** Makes the HTTP proxy, which is the services' then; without one its port resets connections. */
  readonly httpProxy?: ((outside: Outside, limits: NetworkLimits) => ConnectionServer) | undefined;
  /** Is the services' from now on. */
  readonly log: EgressRecord;
  readonly vetting?: AddressVetting;
}

/** What can be told of it while the machine lives. */
export interface NetworkView {
  readonly policy: NetworkPolicy;
  readonly counts: EgressCounts;
  readonly dns: GuestResolverStats;
  readonly connections: number;
  readonly datagramFlows: number;
  /** To and from the outside. */
  readonly outsideBytes: number;
  /** Oldest first. */
  readonly latest: readonly LoggedEntry[];
}

export class GuestServices implements NetworkServices, AsyncDisposable {
  readonly #server: GuardedServer;
  readonly #resolver: GuestResolver;
  readonly #egress: Egress;
  readonly #httpProxy: ConnectionServer | undefined;
  readonly #log: EgressRecord;
  readonly #policyListeners = new Set<(policy: NetworkPolicy) => void>();
  readonly #dispatch: RequestListener;
  #scope: Scope;
  #handler: RequestListener | undefined;
  #policy: NetworkPolicy = ISOLATED;

  private constructor(options: GuestServicesOptions, scope: Scope) {
    const { limits, log, proxies, vetting = new AddressVetting() } = options;
    const { records, upstream } = options.resolver;
    const policy = () => this.#policy;
    this.#log = scope.use(log);
    this.#egress = scope.use(new Egress({ limits, policy, vetting, log, lookup: new RecordLookup(records, upstream) }));
    const { virtual } = this.#egress;
    this.#resolver = scope.use(new GuestResolver({ records, upstream, policy, vetting, virtual, log }));
    const proxy = options.httpProxy?.(this.#egress, limits);
    this.#httpProxy = proxy === undefined ? undefined : scope.use(proxy);
    this.#server = scope.use(GuardedServer.open({ maxConnections: limits.serviceConnections }));
    const handle: RequestListener = (request, response) => this.#handler?.(request, response);
    this.#dispatch = proxies?.withProxies(handle, log) ?? handle;
    this.#scope = scope;
  }

  static async open(options: GuestServicesOptions): Promise<GuestServices> {
    await using scope = new Scope();
    const services = new GuestServices(options, scope);
    services.#scope = scope.move();
    return services;
  }

  get policy(): NetworkPolicy {
    return this.#policy;
  }

  /** What the machine may reach from now on; listeners have been told when it returns. */
  setPolicy(policy: NetworkPolicy): void {
    this.#policy = policy;
    for (const listener of this.#policyListeners) listener(policy);
  }

  onPolicy(listener: (policy: NetworkPolicy) => void): void {
    this.#policyListeners.add(listener);
  }

  /** Who answers the machine's requests from now on; without a handler they get 503. */
  setHandler(handler: RequestListener | undefined): void {
    this.#handler = handler;
    this.#server.setHandler(handler && this.#dispatch);
  }

  /** Who takes over connections that ask for another protocol; without one they are answered as plain requests. */
  setUpgradeHandler(handler: UpgradeListener | undefined): void {
    this.#server.setUpgradeHandler(handler);
  }

  serveMetadata(connection: Duplex): void {
    this.#server.serve(connection);
  }

  serveProxy(connection: Duplex): void {
    if (this.#httpProxy === undefined) reset(connection);
    else this.#httpProxy.serve(connection);
  }

  admits(flow: Flow): boolean {
    return this.#egress.admits(flow);
  }

  connect(connection: Duplex, destination: Destination): void {
    this.#egress.connect(connection, destination);
  }

  sendDatagram(flow: DatagramFlow, payload: Buffer, reply: (payload: Buffer) => void): void {
    this.#egress.sendDatagram(flow, payload, reply);
  }

  answerDns(message: Buffer, transport: "udp" | "tcp"): Promise<Buffer | undefined> {
    return this.#resolver.answer(message, transport);
  }

  noteRefused(flow: Flow, count: number, first: Date): void {
    this.#egress.noteRefused(flow, count, first);
  }

  view(): NetworkView {
    return {
      policy: this.#policy,
      counts: this.#log.counts,
      dns: this.#resolver.stats,
      connections: this.#egress.connectionCount,
      datagramFlows: this.#egress.datagramFlowCount,
      outsideBytes: this.#egress.bytes,
      latest: this.#log.latest(),
    };
  }

  /** The file of the egress log is complete afterwards. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#scope[Symbol.asyncDispose]();
  }
}
