/**
 * Makes the networks of machines, all in one mode, which is decided when it is opened: once in a process.
 *
 * *Owns* the proxies that all machines share. A network that was opened is its machine's, and outlives nothing here.
 */
import { type Logger, silentLogger } from "../base/log.ts";
import { Scope } from "../base/scope.ts";
import type { NetworkSettings } from "../config/network.ts";
import { HostUpstream } from "../network/dns/host-upstream.ts";
import { LocalRecords } from "../network/dns/local-records.ts";
import { UpstreamCache } from "../network/dns/upstream-cache.ts";
import type { GuestNetwork, NetworkMode } from "../network/guest-network.ts";
import { GuestServices } from "../network/guest-services.ts";
import { ReverseProxies } from "../network/proxy/reverse-proxies.ts";
import { UserNetwork } from "../network/user/user-network.ts";
import { EgressTap } from "./egress-tap.ts";

export interface MachineNetworksOptions {
  settings: NetworkSettings;
  /** Absolute path of the folder for what proxies keep. */
  cacheDirectory: string;
  logger?: Logger;
}

/** The network card of a machine. */
export interface NetworkCard {
  mac: string;
  /** Bytes of an IP packet. */
  mtu: number;
}

/** A network, isolated until somebody says what it may reach; disposal ends it and its services. */
export interface MachineNetwork extends AsyncDisposable {
  readonly network: GuestNetwork;
  readonly egress: EgressTap;
}

export class MachineNetworks implements AsyncDisposable {
  readonly mode: NetworkMode;
  /** Why it is this mode, where the configuration leaves that open. */
  readonly why: string | undefined;
  readonly #settings: NetworkSettings;
  readonly #records: LocalRecords;
  readonly #proxies: ReverseProxies;
  readonly #scope: Scope;

  private constructor(
    { settings }: MachineNetworksOptions,
    { mode, why }: { mode: NetworkMode; why: string | undefined },
    proxies: ReverseProxies,
    scope: Scope,
  ) {
    this.mode = mode;
    this.why = why;
    this.#settings = settings;
    this.#records = new LocalRecords(settings.dns);
    this.#proxies = proxies;
    this.#scope = scope;
  }

  /** @throws {WorkerError} This host cannot do what the configuration insists on; `proxy-invalid`. */
  static async open(options: MachineNetworksOptions): Promise<MachineNetworks> {
    const { settings, cacheDirectory, logger = silentLogger } = options;
    await using scope = new Scope();
    const proxies = scope.use(await ReverseProxies.open(settings.proxies, { cacheDirectory, log: logger }));
    return new MachineNetworks(options, { mode: "user", why: undefined }, proxies, scope.move());
  }

  /** `namespace`, or `user, because …`. */
  get description(): string {
    return this.why === undefined ? this.mode : `${this.mode}, because ${this.why}`;
  }

  /** @throws {WorkerError} with a code that begins with `network-`; nothing is left. */
  async open(card: NetworkCard): Promise<MachineNetwork> {
    await using scope = new Scope();
    const { limits, dns } = this.#settings;
    const egress = new EgressTap();
    const services = scope.use(
      await GuestServices.open({
        limits,
        resolver: { records: this.#records, upstream: new UpstreamCache(new HostUpstream(dns)) },
        proxies: this.#proxies,
        log: egress,
      }),
    );
    const network = scope.use(await UserNetwork.open({ ...card, services, limits }));
    const owned = scope.move();
    return { network, egress, [Symbol.asyncDispose]: () => owned[Symbol.asyncDispose]() };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#scope[Symbol.asyncDispose]();
  }
}

/** Whether it is the network of a machine that failed, and not what was to be done with the machine. */
export function isNetworkFault(error: unknown): boolean {
  return error instanceof Error && "code" in error && String(error.code).startsWith("network-");
}
