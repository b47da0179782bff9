/**
 * The rootless network of one machine: a small network stack on the machine's
 * own link, which carries connections and datagrams to the machine's services.
 * Whoever asks them is this machine: its identity is the link, not an address.
 *
 *   open ──connect()──▶ connected ──link ends or dispose──▶ closed
 *
 * *Owns* the link and its connections; *borrows* the services it is given.
 */
import type { RequestListener } from "node:http";
import type { Duplex } from "node:stream";
import { WorkerError } from "../../base/errors.ts";
import { Capability, hasRights, withoutRights } from "../../host/rights.ts";
import type { UpgradeListener } from "../../http/guarded-server.ts";
import { parseMac } from "../addresses.ts";
import { dialFailed } from "../dial-failed.ts";
import type { GuestNetwork, NetworkStats } from "../guest-network.ts";
import { DEFAULT_LIMITS, type NetworkLimits } from "../limits.ts";
import type { NetworkPolicy } from "../policy/network-policy.ts";
import type { MachineServices } from "../services.ts";
import { NO_STATS } from "./counters.ts";
import { GuestStack } from "./guest-stack.ts";

export interface UserNetworkOptions {
  /** Of the machine's network card, as in `52:54:00:12:34:56`. */
  mac: string;
  /** What that card carries: bytes of an IP packet, 1,500 to 65,521. */
  mtu: number;
  /** Borrowed. */
  services: MachineServices;
  limits?: NetworkLimits;
}

export class UserNetwork implements GuestNetwork {
  readonly mode = "user";
  /** QEMU needs to be nowhere in particular, and has no rights there. */
  readonly enter: readonly string[];
  readonly #options: UserNetworkOptions;
  readonly #closed = Promise.withResolvers<WorkerError | undefined>();
  #stack: GuestStack | undefined;
  #disposed = false;

  private constructor(options: UserNetworkOptions, enter: readonly string[]) {
    this.#options = options;
    this.enter = enter;
  }

  /** @throws {TypeError} The MAC address is malformed. */
  static async open(options: UserNetworkOptions): Promise<UserNetwork> {
    parseMac(options.mac);
    return new UserNetwork(options, withoutRights(await hasRights(Capability.setpcap)));
  }

  /**
   * Settles when the link has ended: with an error if it failed, in which case the machine has no network any
   * more and should be killed; with undefined if the machine closed it or the network was disposed.
   */
  get closed(): Promise<WorkerError | undefined> {
    return this.#closed.promise;
  }

  netdev(id: string, linkFd: number): string {
    return `stream,id=${id},server=off,addr.type=fd,addr.str=${linkFd}`;
  }

  async stats(): Promise<NetworkStats> {
    return this.#stack?.stats ?? NO_STATS;
  }

  /**
   * Answers on the machine's link; takes ownership of it. Once per network.
   *
   * @param link Frames with a length prefix of 4 bytes, as QEMU's stream and socket backends have it.
   */
  connect(link: Duplex): void {
    if (this.#stack !== undefined || this.#disposed) {
      link.destroy();
      throw new WorkerError("a network can be connected to one machine only, and only once", {
        code: "network-already-connected",
        blame: "worker",
      });
    }
    this.#stack = new GuestStack(link, {
      machineMac: parseMac(this.#options.mac),
      mtu: this.#options.mtu,
      services: this.#options.services,
      limits: this.#options.limits ?? DEFAULT_LIMITS,
      onClosed: (error) => this.#closed.resolve(error),
    });
  }

  async dial(port: number): Promise<Duplex> {
    if (this.#stack === undefined || this.#disposed) throw dialFailed(port, "the machine has no network");
    return await this.#stack.dial(port);
  }

  setHandler(handler: RequestListener | undefined): void {
    this.#options.services.setHandler(handler);
  }

  /** Who takes over connections that ask for another protocol; without one they are refused. */
  setUpgradeHandler(handler: UpgradeListener | undefined): void {
    this.#options.services.setUpgradeHandler(handler);
  }

  /** Every packet asks what the policy is, so there is nothing to wait for. */
  async setPolicy(policy: NetworkPolicy): Promise<void> {
    this.#options.services.setPolicy(policy);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    this.#stack?.destroy();
    this.#closed.resolve(undefined);
  }
}
