/** What nftables has counted, out of `nft -j list ruleset`; with what the kernel counts per device. Pure. */
import { parseIpv4Address } from "../addresses.ts";
import { REFUSED_SET } from "./names.ts";
import type { RefusedFlow } from "./refused-flows.ts";

export interface RulesetState {
  /** Packets by counter, over both tables. */
  readonly counters: ReadonlyMap<string, number>;
  readonly refused: readonly RefusedFlow[];
}

/** @throws {Error} It is not what nft prints. */
export function parseRuleset(text: string): RulesetState {
  const { nftables } = JSON.parse(text) as { nftables: readonly RulesetObject[] };
  const counters = new Map<string, number>();
  const refused: RefusedFlow[] = [];
  for (const { counter, set } of nftables) {
    if (counter !== undefined) counters.set(counter.name, (counters.get(counter.name) ?? 0) + counter.packets);
    if (set?.name === REFUSED_SET) refused.push(...(set.elem ?? []).flatMap((element) => flowOf(element, set.timeout)));
  }
  return { counters, refused };
}

interface RulesetObject {
  counter?: { name: string; packets: number };
  set?: { name: string; timeout?: number; elem?: readonly SetElement[] };
}

interface SetElement {
  elem?: { val?: { concat?: readonly unknown[] }; expires?: number; counter?: { packets: number } };
}

function flowOf({ elem }: SetElement, timeoutSeconds = 0): RefusedFlow[] {
  const [address, protocol, port] = elem?.val?.concat ?? [];
  if (elem?.counter === undefined || typeof address !== "string") return [];
  const ageMs = Math.max(0, timeoutSeconds - (elem.expires ?? timeoutSeconds)) * 1_000;
  // Where nobody has said what protocols are called, they are numbers.
  const name = protocol === "tcp" || protocol === 6 ? "tcp" : "udp";
  return [
    { address: parseIpv4Address(address), protocol: name, port: Number(port), count: elem.counter.packets, ageMs },
  ];
}

export interface DeviceCounters {
  readonly receivedBytes: number;
  readonly receivedPackets: number;
  readonly sentBytes: number;
  readonly sentPackets: number;
  readonly sentDropped: number;
}

/** Of one device, out of /proc/net/dev; undefined: it is not there. */
export function tryParseDevice(text: string, name: string): DeviceCounters | undefined {
  const line = text.split("\n").find((candidate) => candidate.trimStart().startsWith(`${name}:`));
  const fields = line?.split(":")[1]?.trim().split(/\s+/).map(Number);
  if (fields === undefined) return undefined;
  const at = (index: number) => fields[index] ?? 0;
  return { receivedBytes: at(0), receivedPackets: at(1), sentBytes: at(8), sentPackets: at(9), sentDropped: at(11) };
}

/** What the kernel found wrong with packets, out of /proc/net/snmp. */
export function parseProtocolFaults(text: string): { malformed: number; badChecksum: number } {
  const values = new Map<string, number>();
  const lines = text.split("\n");
  for (let i = 0; i + 1 < lines.length; i += 2) {
    const [protocol = "", ...names] = (lines[i] ?? "").split(/\s+/);
    const [, ...numbers] = (lines[i + 1] ?? "").split(/\s+/);
    for (const [index, name] of names.entries()) values.set(protocol + name, Number(numbers[index] ?? 0));
  }
  const of = (name: string) => values.get(name) ?? 0;
  return {
    malformed: of("Ip:InHdrErrors") + of("Ip:InTruncatedPkts"),
    badChecksum: of("Tcp:InCsumErrors") + of("Udp:InCsumErrors") + of("Icmp:InCsumErrors"),
  };
}
