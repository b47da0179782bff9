/** What a machine's namespace has seen: counted by the kernel, by nftables, and by this process. */
import { readFile } from "node:fs/promises";
import type { NetworkStats } from "../guest-network.ts";
import type { NetworkServices } from "../services.ts";
import type { Counters } from "../user/counters.ts";
import type { ConnectionGateway } from "./connection-gateway.ts";
import type { DatagramRelay } from "./datagram-relay.ts";
import type { Keeper } from "./keeper.ts";
import { REFUSED_COUNTER, TAP } from "./names.ts";
import { RefusedFlows } from "./refused-flows.ts";
import { parseProtocolFaults, parseRuleset, type RulesetState, tryParseDevice } from "./ruleset-state.ts";

export interface StatsSources {
  readonly keeper: Keeper;
  readonly counters: Counters;
  readonly connections: ConnectionGateway;
  readonly relay: DatagramRelay;
  readonly services: NetworkServices;
}

export class NamespaceStats {
  readonly #sources: StatsSources;
  readonly #flows = new RefusedFlows();

  constructor(sources: StatsSources) {
    this.#sources = sources;
  }

  /** @throws {CommandError} The namespace is gone. */
  async read(): Promise<NetworkStats> {
    const { keeper, counters, connections, relay } = this.#sources;
    const [ruleset, devices, protocols] = await Promise.all([
      this.#readRuleset(),
      readFile(`/proc/${keeper.pid}/net/dev`, "utf8"),
      readFile(`/proc/${keeper.pid}/net/snmp`, "utf8"),
    ]);
    const device = tryParseDevice(devices, TAP);
    return {
      framesFromGuest: device?.receivedPackets ?? 0,
      bytesFromGuest: device?.receivedBytes ?? 0,
      framesToGuest: device?.sentPackets ?? 0,
      bytesToGuest: device?.sentBytes ?? 0,
      refused: counters.refused + (ruleset.counters.get(REFUSED_COUNTER) ?? 0),
      dropped: this.#addDrops(ruleset, protocols, device?.sentDropped ?? 0),
      connections: connections.connectionCount,
      connectionsOpened: connections.openedCount,
      connectionsOverLimit: counters.connectionsOverLimit,
      waitingBytes: relay.waitingBytes,
    };
  }

  /** Before the namespace ends, if it has not: what was refused is told. */
  async readLast(): Promise<void> {
    await this.#readRuleset().catch(() => {});
  }

  async #readRuleset(): Promise<RulesetState> {
    const { keeper, services } = this.#sources;
    const state = parseRuleset(await keeper.run(["nft", "-j", "list", "ruleset"]));
    const clocks = { nowMs: performance.now(), wallMs: Date.now() };
    this.#flows.update(state.refused, clocks, (flow, count, first) => services.noteRefused(flow, count, first));
    return state;
  }

  #addDrops({ counters }: RulesetState, protocols: string, linkFull: number): Record<string, number> {
    const dropped: Record<string, number> = { ...this.#sources.counters.dropped };
    const add = (reason: string, count: number) => {
      dropped[reason] = (dropped[reason] ?? 0) + count;
    };
    for (const [name, count] of counters) if (name !== REFUSED_COUNTER) add(name, count);
    const { malformed, badChecksum } = parseProtocolFaults(protocols);
    add("malformed", malformed);
    add("bad-checksum", badChecksum);
    add("link-full", linkFull);
    return dropped;
  }
}
