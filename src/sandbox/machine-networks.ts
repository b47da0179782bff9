/**
 * Makes the networks of machines, all in one mode, which is decided when it is opened: once in a process.
 *
 * *Owns* the proxies that all machines share. A network that was opened is its machine's, and outlives nothing here.
 */
import { join } from "node:path";
import { type Logger, silentLogger } from "../base/log.ts";
import { Scope } from "../base/scope.ts";
import type { NetworkSettings } from "../config/network.ts";
import { HostUpstream } from "../network/dns/host-upstream.ts";
import { LocalRecords } from "../network/dns/local-records.ts";
import { UpstreamCache } from "../network/dns/upstream-cache.ts";
import type { GuestNetwork, NetworkMode } from "../network/guest-network.ts";
import { GuestServices } from "../network/guest-services.ts";
import { NamespaceNetwork } from "../network/namespace/namespace-network.ts";
import { type NetworkModeAnswer, probeNetworkMode } from "../network/namespace/probe.ts";
import { HttpProxy } from "../network/proxy/http-proxy.ts";
import type { ProxyStats } from "../network/proxy/proxy-stats.ts";
import type { ReverseProxies, ReverseProxiesOptions } from "../network/proxy/reverse-proxies.ts";
import { UserNetwork } from "../network/user/user-network.ts";
import { EgressTap } from "./egress-tap.ts";

export interface MachineNetworksOptions {
  settings: NetworkSettings;
  /** Absolute path of the folder for a program of the networks, and what proxies keep. */
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
  readonly #settings: NetworkSettings;
  readonly #answer: NetworkModeAnswer;
  readonly #records: LocalRecords;
  readonly #proxies: ReverseProxies | undefined;
  readonly #scope: Scope;

  private constructor(
    settings: NetworkSettings,
    answer: NetworkModeAnswer,
    proxies: ReverseProxies | undefined,
    scope: Scope,
  ) {
    this.#settings = settings;
    this.#answer = answer;
    this.#records = new LocalRecords(settings.dns);
    this.#proxies = proxies;
    this.#scope = scope;
  }

  /** @throws {WorkerError} This host cannot do what the configuration insists on; `proxy-invalid`. */
  static async open(options: MachineNetworksOptions): Promise<MachineNetworks> {
    const { settings, cacheDirectory, logger = silentLogger } = options;
    await using scope = new Scope();
    const answer = await probeNetworkMode({ requested: settings.mode, cacheDirectory });
    const folder = join(cacheDirectory, "proxies");
    const proxies = await openProxies(settings, { cacheDirectory: folder, log: logger });
    if (proxies !== undefined) scope.use(proxies);
    return new MachineNetworks(settings, answer, proxies, scope.move());
  }

  /** What each proxy has done, by its name. */
  proxyStats(): Readonly<Record<string, ProxyStats>> {
    return this.#proxies?.stats() ?? {};
  }

  get mode(): NetworkMode {
    return this.#answer.mode;
  }

  /** The mode, and why it is this one. */
  get description(): string {
    return describeMode(this.#answer);
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
        httpProxy: (outside) =>
          HttpProxy.open({ outside, maxConnections: limits.serviceConnections, idleMs: limits.idleMs }),
        log: egress,
      }),
    );
    const answer = this.#answer;
    const network: GuestNetwork = scope.use(
      answer.mode === "user"
        ? await UserNetwork.open({ ...card, services, limits })
        : await NamespaceNetwork.open({ ...card, services, limits, means: answer.means }),
    );
    const owned = scope.move();
    return { network, egress, [Symbol.asyncDispose]: () => owned[Symbol.asyncDispose]() };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#scope[Symbol.asyncDispose]();
  }
}

async function openProxies(
  { proxies }: NetworkSettings,
  options: ReverseProxiesOptions,
): Promise<ReverseProxies | undefined> {
  if (Object.keys(proxies).length === 0) return undefined;
  // They bring an HTTP client of their own, which nobody else needs.
  const { ReverseProxies } = await import("../network/proxy/reverse-proxies.ts");
  return await ReverseProxies.open(proxies, options);
}

/** `namespace`; `user, because …`, where the configuration did not ask for it. */
export function describeMode(answer: NetworkModeAnswer): string {
  return answer.mode === "namespace" || answer.why === undefined ? answer.mode : `user, because ${answer.why}`;
}

/** Whether it is the network of a machine that failed, and not what was to be done with the machine. */
export function isNetworkFault(error: unknown): boolean {
  return error instanceof Error && "code" in error && String(error.code).startsWith("network-");
}
