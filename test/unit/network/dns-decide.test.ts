import { describe, expect, it } from "vitest";
import { parseIpv4Address } from "../../../src/base/ipv4.ts";
import { decideAnswer, decideQuestion, type NameAnswer, type NameRules } from "../../../src/network/dns/decide-name.ts";
import { tryParseDnsQuery } from "../../../src/network/dns/dns-query.ts";
import type { DnsRecord } from "../../../src/network/dns/dns-reply.ts";
import { LocalRecords } from "../../../src/network/dns/local-records.ts";
import type { UpstreamAnswer } from "../../../src/network/dns/upstream.ts";
import { VirtualAddresses } from "../../../src/network/egress/virtual-addresses.ts";
import { AddressVetting } from "../../../src/network/policy/address-vetting.ts";
import { INTERNET, ISOLATED, type NetworkPolicy } from "../../../src/network/policy/network-policy.ts";
import { buildQuery, type QueryOptions } from "../../fixtures/network/dns-client.ts";

const A = 1;
const NS = 2;
const CNAME = 5;
const SOA = 6;
const PTR = 12;
const MX = 15;
const TXT = 16;
const AAAA = 28;
const SRV = 33;
const HTTPS = 65;
const ANY = 255;
const CAA = 257;

const OWN_ADDRESS = "203.0.112.9";
const VIRTUAL = "198.18.0.1";

const ALLOW: NetworkPolicy = {
  kind: "allow",
  rules: [
    { name: "*.example.org", ports: [443] },
    { name: "mirror.internal", ports: [80] },
    { name: "secret.corp.internal", ports: [80] },
    { subnet: parseIpv4Address("203.0.112.0"), prefixLength: 24, ports: [80] },
  ],
};

const local = new LocalRecords({
  hosts: { "Mirror.internal.": "93.184.216.40", "db.internal": "10.1.2.3", proxy: "169.254.169.254" },
  srv: [{ name: "_http._tcp.mirror.internal", target: "mirror.internal", port: 8_080, priority: 1, weight: 2 }],
});

function rulesOf(policy: NetworkPolicy): NameRules {
  return { policy, vetting: new AddressVetting(() => [OWN_ADDRESS]), virtual: new VirtualAddresses() };
}

function ask(policy: NetworkPolicy, name: string, options: QueryOptions = {}, rules = rulesOf(policy)) {
  const query = tryParseDnsQuery(buildQuery(name, options));
  if (query === undefined) throw new Error("not a query");
  return decideQuestion(query, local, rules);
}

/** What a machine is told that asks, with an upstream that answers so. */
function told(policy: NetworkPolicy, name: string, type: number, found: UpstreamAnswer, rules = rulesOf(policy)) {
  const question = ask(policy, name, { type }, rules);
  if (question.kind !== "ask") throw new Error(`answered at once: ${JSON.stringify(question)}`);
  return decideAnswer(question, found, rules);
}

function summary({ decision, reply, reason }: NameAnswer) {
  return { decision, status: reply.status, data: reply.records.map(({ data }) => data), reason };
}

function addresses(...all: string[]): UpstreamAnswer {
  return { kind: "records", records: all.map((data): DnsRecord => ({ type: "A", data, ttlSeconds: 30 })) };
}

const POLICIES: [string, NetworkPolicy][] = [
  ["isolated", ISOLATED],
  ["allow", ALLOW],
  ["internet", INTERNET],
];

describe.each(POLICIES)("under the policy %s", (_kind, policy) => {
  it.each([
    ["metadata.boxcar.internal", A, ["169.254.169.254"]],
    ["METADATA.Boxcar.internal", A, ["169.254.169.254"]],
    ["gateway.boxcar.internal", A, ["10.0.2.2"]],
    ["db.internal", A, ["10.1.2.3"]],
    ["db.internal", ANY, ["10.1.2.3"]],
    ["proxy", A, ["169.254.169.254"]],
    ["254.169.254.169.in-addr.arpa", PTR, ["metadata.boxcar.internal"]],
    ["2.2.0.10.in-addr.arpa", PTR, ["gateway.boxcar.internal"]],
    ["3.2.1.10.in-addr.arpa", PTR, ["db.internal"]],
    ["_http._tcp.mirror.internal", SRV, [{ target: "mirror.internal", port: 8_080, priority: 1, weight: 2 }]],
    ["metadata.boxcar.internal", AAAA, []],
    ["metadata.boxcar.internal", TXT, []],
    ["_http._tcp.mirror.internal", A, []],
  ])("%s is answered, type %d", (name, type, data) => {
    const answer = ask(policy, name, { type });
    if (answer.kind !== "answer") throw new Error("asked upstream");
    expect(summary(answer)).toEqual({ decision: "allowed", status: 0, data, reason: undefined });
    expect(answer.reply.authoritative).toBe(true);
  });

  it.each([
    ["another class", { class: 3 }, 5],
    ["a transfer of the zone", { type: 252 }, 4],
    ["a newer EDNS", { ednsVersion: 1 }, 16],
  ])("%s is not answered, whatever the name", (_what, options, status) => {
    const answer = ask(policy, "metadata.boxcar.internal", options);
    expect(answer).toMatchObject({ kind: "answer", reply: { status, records: [] } });
  });

  it("says what it does not understand", () => {
    const rules = rulesOf(policy);
    const header = { id: 1, opcode: 0, recursionDesired: true, checkingDisabled: false, edns: undefined };
    const none = decideQuestion({ ...header, question: undefined }, local, rules);
    const update = decideQuestion({ ...header, opcode: 5, question: undefined }, local, rules);
    expect(none).toMatchObject({ reply: { status: 1 } });
    expect(update).toMatchObject({ reply: { status: 4 } });
  });
});

describe("a name that the policy does not allow", () => {
  it.each([
    [ISOLATED, "example.com", A],
    [ISOLATED, "www.example.org", A],
    [ISOLATED, "x.metadata.boxcar.internal", A],
    [ISOLATED, "", NS],
    [ISOLATED, "4.3.2.1.in-addr.arpa", PTR],
    [ALLOW, "example.com", A],
    [ALLOW, "example.com", TXT],
    [ALLOW, "example.org", A],
    [ALLOW, "www.example.org.evil.com", A],
    [ALLOW, "evilexample.org", A],
    [ALLOW, "4.3.2.1.in-addr.arpa", PTR],
    [ALLOW, "1.0.18.198.in-addr.arpa", PTR],
  ])("is refused, and nobody is asked: %o %s", (policy, name, type) => {
    const answer = ask(policy, name, { type });
    expect(answer).toMatchObject({ kind: "answer", decision: "refused", reason: "policy", reply: { status: 5 } });
  });
});

describe("a name of the host's surroundings", () => {
  it.each([
    [INTERNET, "printer.local"],
    [INTERNET, "localhost"],
    [INTERNET, "wiki.corp.internal"],
    [INTERNET, "router.home.arpa"],
    [INTERNET, "x.onion"],
    [INTERNET, "9.112.0.203.in-addr.arpa"],
    [INTERNET, "1.1.168.192.in-addr.arpa"],
    [INTERNET, "168.192.in-addr.arpa"],
    [INTERNET, "in-addr.arpa"],
    [INTERNET, "8.b.d.0.1.0.0.2.ip6.arpa"],
    [ALLOW, "secret.corp.internal"],
  ])("does not exist, and nobody is asked: %o %s", (policy, name) => {
    for (const type of [A, PTR, TXT, SRV]) {
      expect(ask(policy, name, { type })).toMatchObject({ decision: "refused", reply: { status: 3, records: [] } });
    }
  });

  it("is not every name that looks like one", () => {
    expect(ask(INTERNET, "internal.example.org")).toMatchObject({ kind: "ask" });
    expect(ask(INTERNET, "notlocal")).toMatchObject({ kind: "ask" });
    expect(ask(INTERNET, "4.4.8.8.in-addr.arpa", { type: PTR })).toMatchObject({ kind: "ask", type: "PTR" });
  });
});

it("asks nobody for a name that is none of a host or service", () => {
  for (const name of ["a b.example.org", "a;b.example.org", "é.example.org", "a*.example.org"]) {
    expect(ask(INTERNET, name)).toMatchObject({ decision: "refused", reply: { status: 3 } });
    expect(ask(ALLOW, name)).toMatchObject({ decision: "refused", reply: { status: 3 } });
  }
});

describe("an allowed name", () => {
  const name = "www.example.org";
  const both = [
    ["allow", ALLOW],
    ["internet", INTERNET],
  ] as [string, NetworkPolicy][];

  it.each(both)("does not exist if upstream says so, type by type (%s)", (_kind, policy) => {
    for (const type of [A, AAAA, SRV, TXT, HTTPS, ANY]) {
      const answer = summary(told(policy, name, type, { kind: "no-such-name" }));
      expect(answer).toEqual({ decision: "allowed", status: 3, data: [], reason: undefined });
    }
  });

  it.each(both)("exists without records if upstream says so (%s)", (_kind, policy) => {
    for (const type of [A, AAAA, SRV, HTTPS]) {
      const answer = summary(told(policy, name, type, { kind: "no-data" }));
      expect(answer).toEqual({ decision: "allowed", status: 0, data: [], reason: undefined });
    }
  });

  it.each(both)("is a failure if upstream fails (%s)", (_kind, policy) => {
    const answer = summary(told(policy, name, A, { kind: "failed", reason: "ETIMEOUT" }));
    expect(answer).toEqual({ decision: "failed", status: 2, data: [], reason: "ETIMEOUT" });
  });

  it.each(both)(
    "has no IPv6 address and no record that is not passed on, and upstream is asked whether it exists (%s)",
    (_kind, policy) => {
      for (const type of [AAAA, HTTPS, 41, 1_000]) {
        expect(ask(policy, name, { type })).toMatchObject({ kind: "ask", type: "A" });
        const answer = summary(told(policy, name, type, addresses("93.184.216.34")));
        expect(answer).toEqual({ decision: "allowed", status: 0, data: [], reason: undefined });
      }
    },
  );

  it.each(both)("has no address if upstream knows none that is public (%s)", (_kind, policy) => {
    for (const address of [
      "10.0.0.1",
      "127.0.0.1",
      "169.254.169.254",
      "100.64.0.1",
      "224.0.0.1",
      "198.18.0.1",
      OWN_ADDRESS,
    ]) {
      const answer = summary(told(policy, name, A, addresses(address)));
      expect(answer).toEqual({ decision: "refused", status: 0, data: [], reason: "no public address" });
    }
  });

  it("has its public addresses under internet, as upstream gave them", () => {
    const answer = told(INTERNET, name, A, addresses("10.0.0.1", "93.184.216.34", OWN_ADDRESS, "93.184.216.35"));
    expect(summary(answer)).toMatchObject({ decision: "allowed", data: ["93.184.216.34", "93.184.216.35"] });
    expect(answer.reply.records[0]?.ttlSeconds).toBe(30);
    expect(summary(told(INTERNET, name, ANY, addresses("93.184.216.34"))).data).toEqual(["93.184.216.34"]);
  });

  it("has one virtual address under allow, and the address has the name", () => {
    const rules = rulesOf(ALLOW);
    const first = told(ALLOW, name, A, addresses("93.184.216.34", "93.184.216.35"), rules);
    const again = told(ALLOW, name, A, addresses("10.0.0.1", "93.184.216.99"), rules);
    const other = told(ALLOW, "b.example.org", A, addresses("93.184.216.34"), rules);
    expect(summary(first)).toEqual({ decision: "allowed", status: 0, data: [VIRTUAL], reason: undefined });
    expect(first.reply.records[0]?.ttlSeconds).toBe(60);
    expect(summary(again).data).toEqual([VIRTUAL]);
    expect(summary(other).data).toEqual(["198.18.0.2"]);
    const reverse = ask(ALLOW, "1.0.18.198.in-addr.arpa", { type: PTR }, rules);
    expect(reverse).toMatchObject({ decision: "allowed", reply: { records: [{ data: name }] } });
  });

  it("fails under allow when the machine has asked for too many", () => {
    const rules: NameRules = { ...rulesOf(ALLOW), virtual: { addressOf: () => undefined, nameOf: () => undefined } };
    const answer = summary(told(ALLOW, name, A, addresses("93.184.216.34"), rules));
    expect(answer).toEqual({ decision: "failed", status: 2, data: [], reason: "too many names" });
    expect(ask(ALLOW, "mirror.internal", {}, rules)).toMatchObject({ decision: "failed" });
  });

  it("has a virtual address under allow also if it is of the configuration, as its own is not allowed", () => {
    expect(ask(ALLOW, "mirror.internal")).toMatchObject({ reply: { records: [{ data: VIRTUAL }] } });
    expect(ask(INTERNET, "mirror.internal")).toMatchObject({ reply: { records: [{ data: "93.184.216.40" }] } });
    expect(ask(ISOLATED, "mirror.internal")).toMatchObject({ reply: { records: [{ data: "93.184.216.40" }] } });
  });

  it.each([
    [NS, { type: "NS", data: "ns.elsewhere.net" }],
    [CNAME, { type: "CNAME", data: "elsewhere.net" }],
    [MX, { type: "MX", data: { preference: 1, exchange: "mail.elsewhere.net" } }],
    [TXT, { type: "TXT", data: [Buffer.from("text")] }],
    [SRV, { type: "SRV", data: { target: "elsewhere.net", port: 1, priority: 2, weight: 3 } }],
    [CAA, { type: "CAA", data: { flags: 0, tag: "issue", value: "ca" } }],
    [SOA, { type: "SOA", data: { mname: "a", rname: "b", serial: 1, refresh: 1, retry: 1, expire: 1, minimum: 1 } }],
  ] as const)("has other records, type %d, whose targets are not allowed by it", (type, data) => {
    const record = { ...data, ttlSeconds: 60 } as DnsRecord;
    for (const [, policy] of both) {
      expect(ask(policy, name, { type })).toMatchObject({ kind: "ask", type: data.type });
      expect(summary(told(policy, name, type, { kind: "records", records: [record] })).data).toEqual([data.data]);
    }
    const rules = rulesOf(ALLOW);
    told(ALLOW, name, type, { kind: "records", records: [record] }, rules);
    expect(ask(ALLOW, "elsewhere.net", {}, rules)).toMatchObject({ decision: "refused" });
  });
});

describe("records of the configuration", () => {
  it.each([
    [{ hosts: { "a b": "10.0.0.1" }, srv: [] }],
    [{ hosts: { [`${"a".repeat(64)}.org`]: "10.0.0.1" }, srv: [] }],
    [{ hosts: { "a.org": "10.0.0" }, srv: [] }],
    [{ hosts: { "a.org": "::1" }, srv: [] }],
    [{ hosts: { "Metadata.boxcar.internal.": "10.0.0.1" }, srv: [] }],
    [{ hosts: {}, srv: [{ name: "_a._tcp.b", target: "..", port: 1, priority: 0, weight: 0 }] }],
  ])("are names and addresses: %o", (config) => {
    expect(() => new LocalRecords(config)).toThrow(TypeError);
  });

  it("may be several of a name, and one name of an address", () => {
    const srv = { name: "_a._tcp.b", target: "c", priority: 0, weight: 0 };
    const records = new LocalRecords({
      hosts: { first: "10.0.0.1", second: "10.0.0.1" },
      srv: [
        { ...srv, port: 1 },
        { ...srv, port: 2 },
      ],
    });
    expect(records.tryFind("_a._tcp.b", SRV)).toMatchObject([{ data: { port: 1 } }, { data: { port: 2 } }]);
    expect(records.tryFind("1.0.0.10.in-addr.arpa", PTR)).toMatchObject([{ data: "first" }]);
    expect(records.tryFind("third", A)).toBeUndefined();
  });
});
