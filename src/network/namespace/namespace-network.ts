/**
 * The network of one machine in a network namespace of its own: the kernel's TCP/IP, and rules of nftables, for a tap
 * device that QEMU attaches to. Connections are accepted by listeners of the namespace that this process holds, so it
 * knows whose they are; it makes those to the outside itself.
 *
 *   open ──connect()──▶ connected ──QEMU is gone, dispose──▶ closed
 *                                └──the keeper is gone──▶ closed, with an error
 *
 * The namespace has no name, no device outside and no rules outside: nobody else's firewall has anything to do with
 * it, and nothing is left of it when this process is killed. *Owns* the keeper, the listeners and their connections;
 * *borrows* the services it is given.
 */
import type { RequestListener } from "node:http";
import type { Duplex } from "node:stream";
import { messageOf, WorkerError } from "../../base/errors.ts";
import { Scope } from "../../base/scope.ts";
import { withoutRights } from "../../host/rights.ts";
import type { UpgradeListener } from "../../http/guarded-server.ts";
import { parseMac } from "../addresses.ts";
import { dialFailed } from "../dial-failed.ts";
import type { GuestNetwork, NetworkStats } from "../guest-network.ts";
import type { NetworkLimits } from "../limits.ts";
import type { NetworkPolicy } from "../policy/network-policy.ts";
import type { MachineServices } from "../services.ts";
import { Counters } from "../user/counters.ts";
import { ConnectionGateway } from "./connection-gateway.ts";
import { DatagramRelay } from "./datagram-relay.ts";
import { serveDhcp } from "./dhcp-service.ts";
import { dialGuest } from "./dial-guest.ts";
import { policyRules } from "./flow-rules.ts";
import { findForbidden } from "./forbidden.ts";
import { LISTENERS, openHandles } from "./handles.ts";
import { Keeper } from "./keeper.ts";
import { TAP } from "./names.ts";
import { namespaceError } from "./namespace-error.ts";
import { NamespaceStats } from "./namespace-stats.ts";

export interface NamespaceNetworkOptions {
  /** Of the machine's network card, as in `52:54:00:12:34:56`. */
  mac: string;
  /** What that card carries: bytes of an IP packet, 1,500 to 65,521. */
  mtu: number;
  services: MachineServices;
  limits: NetworkLimits;
  /** From {@link probeNetworkMode}. */
  means: NamespaceMeans;
}

/** How namespaces are made on this host. */
export interface NamespaceMeans {
  /** The keeper, compiled; absolute. */
  readonly program: string;
  /** Without privileges of our own, in a user namespace. */
  readonly userNamespace: boolean;
}

/** QEMU may do no more with its namespace than use its devices. */
const WITHOUT_RIGHTS = withoutRights(true);

export class NamespaceNetwork implements GuestNetwork {
  readonly mode = "namespace";
  /** Of the process that keeps the namespace. */
  readonly pid: number;
  readonly #program: string;
  readonly #services: MachineServices;
  readonly #keeper: Keeper;
  readonly #stats: NamespaceStats;
  readonly #scope: Scope;
  readonly #closed = Promise.withResolvers<WorkerError | undefined>();
  #connected = false;
  #disposal: Promise<void> | undefined;
  /** The policy that the rules are made of, and their change under way. */
  #applied: NetworkPolicy;
  #applying: Promise<void> | undefined;

  private constructor(
    options: NamespaceNetworkOptions,
    keeper: Keeper,
    applied: NetworkPolicy,
    stats: NamespaceStats,
    scope: Scope,
  ) {
    this.pid = keeper.pid;
    this.#program = options.means.program;
    this.#services = options.services;
    this.#keeper = keeper;
    this.#applied = applied;
    this.#stats = stats;
    this.#scope = scope;
    void keeper.gone.then((why) => this.#end(namespaceError(`the machine's network namespace has ended: ${why}`)));
    this.#services.onPolicy(() => void this.#settle().catch((error: unknown) => this.#end(asWorkerError(error))));
  }

  /**
   * When this resolves the namespace is whole, and its rules are those of the services' policy.
   *
   * @throws {TypeError} The MAC address is malformed.
   * @throws {WorkerError} `network-namespace-failed`; nothing is left of it then.
   */
  static async open(options: NamespaceNetworkOptions): Promise<NamespaceNetwork> {
    const { mac, mtu, services, limits, means } = options;
    const machineMac = parseMac(mac);
    await using scope = new Scope();
    const { policy } = services;
    const rules = policyRules(policy, findForbidden());
    const keeper = scope.use(await Keeper.start({ ...means, mac, mtu, limits, rules }));
    const counters = new Counters();
    const connections = new ConnectionGateway({ services, counters, limits });
    scope.defer(() => connections.destroy());
    const { listeners, dhcp } = await openHandles(keeper.handles, (name, socket) => connections.accept(name, socket));
    scope.defer(() => dhcp.close());
    for (const name of LISTENERS) scope.defer(() => listeners[name].close());
    serveDhcp(dhcp, { machineMac, mtu, counters });
    const carrier = { services, counters, limits, machineMac, mtu };
    const relay = new DatagramRelay(keeper.packets, { ...carrier, onClosed: () => {} });
    scope.defer(() => relay.destroy());
    const stats = new NamespaceStats({ keeper, counters, connections, relay, services });
    const network = new NamespaceNetwork(options, keeper, policy, stats, scope.move());
    try {
      // It may have changed meanwhile.
      await network.#settle();
      return network;
    } catch (error) {
      await network[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** @throws {WorkerError} `network-namespace-failed`: it is gone. */
  get enter(): readonly [string, ...string[]] {
    return [...this.#keeper.enter, ...WITHOUT_RIGHTS];
  }

  get closed(): Promise<WorkerError | undefined> {
    return this.#closed.promise;
  }

  netdev(id: string): string {
    // Without headers for offloads a snapshot resumes on a socket, too.
    return `tap,id=${id},ifname=${TAP},script=no,downscript=no,vnet_hdr=off`;
  }

  /** Frames go through the tap device; the link tells when QEMU is gone. Once per network. */
  connect(link: Duplex): void {
    if (this.#connected || this.#disposal !== undefined) {
      link.destroy();
      throw new WorkerError("a network can be connected to one machine only, and only once", {
        code: "network-already-connected",
        blame: "worker",
      });
    }
    this.#connected = true;
    link.on("error", () => {});
    link.once("close", () => this.#end(undefined));
    link.resume();
    this.#scope.defer(() => link.destroy());
  }

  async dial(port: number): Promise<Duplex> {
    if (this.#disposal !== undefined) throw dialFailed(port, "the machine has no network");
    return await dialGuest({ enter: this.#keeper.enter, program: this.#program, port });
  }

  setHandler(handler: RequestListener | undefined): void {
    this.#services.setHandler(handler);
  }

  /** Who takes over connections that ask for another protocol; without one they are refused. */
  setUpgradeHandler(handler: UpgradeListener | undefined): void {
    this.#services.setUpgradeHandler(handler);
  }

  /** @throws {WorkerError} `network-namespace-failed`: the rules are as they were, and the network should be closed. */
  async setPolicy(policy: NetworkPolicy): Promise<void> {
    this.#services.setPolicy(policy);
    await this.#settle();
  }

  /** Tells the services of flows that were refused since the last time, too. */
  async stats(): Promise<NetworkStats> {
    return await this.#stats.read();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#disposal ??= this.#dispose();
    return this.#disposal;
  }

  async #dispose(): Promise<void> {
    await this.#stats.readLast();
    this.#end(undefined);
    await this.#scope[Symbol.asyncDispose]();
  }

  #end(error: WorkerError | undefined): void {
    this.#closed.resolve(error);
  }

  /** Resolves when the rules are those of the policy as it is by then. */
  async #settle(): Promise<void> {
    while (this.#applied !== this.#services.policy) {
      this.#applying ??= this.#apply(this.#services.policy).finally(() => {
        this.#applying = undefined;
      });
      await this.#applying;
    }
  }

  async #apply(policy: NetworkPolicy): Promise<void> {
    try {
      await this.#keeper.run(["nft", "-f", "-"], policyRules(policy, findForbidden()));
      this.#applied = policy;
    } catch (error) {
      throw namespaceError(`what a machine may reach could not be changed: ${messageOf(error)}`, error);
    }
  }
}

function asWorkerError(error: unknown): WorkerError {
  return error instanceof WorkerError ? error : namespaceError(messageOf(error), error);
}
