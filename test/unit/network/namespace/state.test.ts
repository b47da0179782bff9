import { describe, expect, it } from "vitest";
import { parseIpv4Address } from "../../../../src/network/addresses.ts";
import { tryParseMessage } from "../../../../src/network/namespace/handles.ts";
import { enterCommand } from "../../../../src/network/namespace/keeper.ts";
import { type RefusedFlow, RefusedFlows } from "../../../../src/network/namespace/refused-flows.ts";
import { parseProtocolFaults, parseRuleset, tryParseDevice } from "../../../../src/network/namespace/ruleset-state.ts";
import type { Flow } from "../../../../src/network/services.ts";

const ADDRESS = parseIpv4Address("1.2.3.4");

function element(protocol: string | number, port: number, packets: number, expires: number) {
  return { elem: { val: { concat: ["1.2.3.4", protocol, port] }, expires, counter: { packets, bytes: 0 } } };
}

describe("what nftables has counted", () => {
  it("is added up over both tables, with the flows that were refused", () => {
    const text = JSON.stringify({
      nftables: [
        { metainfo: { version: "1.0.6" } },
        { counter: { family: "netdev", name: "rate-limited", table: "boxcar", packets: 2 } },
        { counter: { family: "ip", name: "rate-limited", table: "boxcar", packets: 3 } },
        { set: { name: "another", elem: [element("tcp", 1, 1, 1)] } },
        {
          set: { name: "refused-flows", timeout: 86_400, elem: [element("tcp", 80, 4, 86_390), element(17, 53, 1, 5)] },
        },
      ],
    });
    const { counters, refused } = parseRuleset(text);
    expect(counters).toEqual(new Map([["rate-limited", 5]]));
    expect(refused).toEqual([
      { protocol: "tcp", address: ADDRESS, port: 80, count: 4, ageMs: 10_000 },
      { protocol: "udp", address: ADDRESS, port: 53, count: 1, ageMs: 86_395_000 },
    ]);
  });

  it("may have no flows at all", () => {
    const text = JSON.stringify({ nftables: [{ set: { name: "refused-flows", timeout: 86_400 } }] });
    expect(parseRuleset(text).refused).toEqual([]);
  });
});

describe("refused flows", () => {
  const flow = { protocol: "tcp", address: ADDRESS, port: 80 } as const;

  function update(flows: RefusedFlows, nowMs: number, ...refused: RefusedFlow[]) {
    return updateAt(flows, { nowMs, wallMs: nowMs }, ...refused);
  }

  function updateAt(flows: RefusedFlows, clock: { nowMs: number; wallMs: number }, ...refused: RefusedFlow[]) {
    const told: [Flow, number, number][] = [];
    flows.update(refused, clock, (...[what, count, first]) => told.push([what, count, first.getTime()]));
    return told;
  }

  it("are told once, and later only how many more there were", () => {
    const flows = new RefusedFlows();
    expect(update(flows, 100_000, { ...flow, count: 2, ageMs: 1_000 })).toEqual([[flow, 2, 99_000]]);
    expect(update(flows, 105_000, { ...flow, count: 2, ageMs: 6_000 })).toEqual([]);
    expect(update(flows, 110_000, { ...flow, count: 5, ageMs: 10_400 })).toEqual([[flow, 3, 105_000]]);
  });

  it("are told anew when they were forgotten meanwhile", () => {
    const flows = new RefusedFlows();
    update(flows, 100_000, { ...flow, count: 2, ageMs: 1_000 });
    expect(update(flows, 90_000_000, { ...flow, count: 3, ageMs: 0 })).toEqual([[flow, 3, 90_000_000]]);
  });

  it("are told once also where a reading misses them, or has them twice", () => {
    const flows = new RefusedFlows();
    const seen = { ...flow, count: 3, ageMs: 1_000 };
    expect(update(flows, 100_000, seen, seen)).toEqual([[flow, 3, 99_000]]);
    expect(update(flows, 101_000)).toEqual([]);
    expect(update(flows, 102_000, { ...seen, ageMs: 3_000 })).toEqual([]);
    expect(update(flows, 103_000, { ...seen, count: 4, ageMs: 4_000 })).toEqual([[flow, 1, 102_000]]);
  });

  it("are told once also where somebody sets the clock meanwhile", () => {
    const flows = new RefusedFlows();
    const before = { nowMs: 100_000, wallMs: 1_000_000 };
    expect(updateAt(flows, before, { ...flow, count: 2, ageMs: 1_000 })).toEqual([[flow, 2, 999_000]]);
    const after = { nowMs: 105_000, wallMs: 9_000_000 };
    expect(updateAt(flows, after, { ...flow, count: 2, ageMs: 6_000 })).toEqual([]);
    const later = { nowMs: 110_000, wallMs: 9_005_000 };
    expect(updateAt(flows, later, { ...flow, count: 3, ageMs: 11_000 })).toEqual([[flow, 1, 9_000_000]]);
  });
});

describe("counters of the kernel", () => {
  it("are those of the device that is meant", () => {
    const text = [
      "Inter-|   Receive                                                |  Transmit",
      " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed",
      "    lo:       0       0    0    0    0     0          0         0        0       0    0    0    0     0       0          0",
      "  tap0:    1234      12    0    3    0     0          0         0     5678      56    0    7    0     0       0          0",
    ].join("\n");
    expect(tryParseDevice(text, "tap0")).toEqual({
      ...{ receivedBytes: 1_234, receivedPackets: 12 },
      ...{ sentBytes: 5_678, sentPackets: 56, sentDropped: 7 },
    });
    expect(tryParseDevice(text, "tap")).toBeUndefined();
  });

  it("tell what was malformed, by name and not by place", () => {
    const text = [
      "Ip: Forwarding InHdrErrors InTruncatedPkts",
      "Ip: 1 2 3",
      "Icmp: InMsgs InCsumErrors",
      "Icmp: 9 1",
      "Tcp: InSegs InCsumErrors",
      "Tcp: 9 10",
    ].join("\n");
    expect(parseProtocolFaults(text)).toEqual({ malformed: 5, badChecksum: 11 });
  });
});

describe("what the keeper says", () => {
  it.each([
    [{ service: "dhcp" }, { service: "dhcp" }],
    [{ ready: true }, { ready: true }],
    [{ ready: 1 }, undefined],
    [{ service: 1 }, undefined],
    [null, undefined],
    ["ready", undefined],
  ])("is a service, or that it is ready: %j", (raw, message) => {
    expect(tryParseMessage(raw)).toEqual(message);
  });
});

describe("the way into a namespace", () => {
  it("leads through the user namespace where there is one", () => {
    expect(enterCommand(12, false)).toEqual(["nsenter", "--net=/proc/12/ns/net", "--"]);
    expect(enterCommand(12, true)).toEqual([
      ...["nsenter", "--user=/proc/12/ns/user", "--preserve-credentials", "--net=/proc/12/ns/net", "--"],
    ]);
  });
});
