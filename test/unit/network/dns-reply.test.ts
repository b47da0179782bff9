import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type DnsQuery, tryParseDnsQuery } from "../../../src/network/dns/dns-query.ts";
import {
  type DnsRecord,
  type DnsReply,
  DnsStatus,
  encodeDnsReply,
  replyLimit,
} from "../../../src/network/dns/dns-reply.ts";
import { buildQuery, parseReply, type QueryOptions } from "../../fixtures/network/dns-client.ts";

function query(name: string, options?: QueryOptions): DnsQuery {
  const parsed = tryParseDnsQuery(buildQuery(name, options));
  if (parsed === undefined) throw new Error("not a query");
  return parsed;
}

function ok(records: readonly DnsRecord[]): DnsReply {
  return { status: DnsStatus.ok, authoritative: false, records };
}

const address = fc.ipV4().map((data): DnsRecord => ({ type: "A", data, ttlSeconds: 60 }));
const text = fc
  .array(
    fc.uint8Array({ maxLength: 255 }).map((data) => Buffer.from(data)),
    { minLength: 1, maxLength: 8 },
  )
  .map((data): DnsRecord => ({ type: "TXT", data, ttlSeconds: 5 }));

describe("encodeDnsReply", () => {
  it("repeats the question as asked and carries the answer", () => {
    const reply = encodeDnsReply(
      query("Metadata.boxcar.internal"),
      { ...ok([{ type: "A", data: "169.254.169.254", ttlSeconds: 300 }]), authoritative: true },
      512,
    );
    expect(reply.subarray(0, 12).toString("hex")).toBe("1234" + "8580" + "0001" + "0001" + "00000000");
    expect(reply.toString("latin1")).toContain("Metadata");
    expect(reply.subarray(-16).toString("hex")).toBe("c00c" + "00010001" + "0000012c" + "0004a9fea9fe");
  });

  it("carries every type of record that there is", () => {
    const records: DnsRecord[] = [
      { type: "A", data: "192.0.2.1", ttlSeconds: 1 },
      { type: "CNAME", data: "alias.example.org", ttlSeconds: 2 },
      { type: "NS", data: "ns.example.org", ttlSeconds: 3 },
      { type: "PTR", data: "host.example.org", ttlSeconds: 4 },
      { type: "MX", data: { preference: 10, exchange: "mail.example.org" }, ttlSeconds: 5 },
      { type: "SRV", data: { target: "host.example.org", port: 80, priority: 1, weight: 2 }, ttlSeconds: 6 },
      { type: "TXT", data: [Buffer.of(0, 255), Buffer.from("two")], ttlSeconds: 7 },
      { type: "CAA", data: { flags: 0, tag: "issue", value: "ca.example.org" }, ttlSeconds: 8 },
      {
        type: "SOA",
        data: { mname: "ns.a", rname: "root.a", serial: 1, refresh: 2, retry: 3, expire: 4, minimum: 5 },
        ttlSeconds: 9,
      },
    ];
    const { answers } = parseReply(encodeDnsReply(query("example.org"), ok(records), 1_232));
    expect(answers).toMatchObject(
      records.map(({ type, data, ttlSeconds }) => ({ name: "example.org", type, data, ttl: ttlSeconds })),
    );
  });

  it("answers EDNS with EDNS, where a status above 15 has room", () => {
    const asked = query("a.org", { udpPayloadSize: 4_096, ednsVersion: 7 });
    const reply = parseReply(encodeDnsReply(asked, { ...ok([]), status: DnsStatus.badVersion }, 512));
    expect(reply).toMatchObject({ status: 16, additionals: [{ type: "OPT", udpPayloadSize: 1_232, ednsVersion: 0 }] });
    expect(parseReply(encodeDnsReply(query("a.org"), ok([]), 512)).additionals).toEqual([]);
  });

  it("leaves out the question that nobody understood", () => {
    const asked: DnsQuery = { ...query("a.org"), question: undefined };
    const reply = encodeDnsReply(asked, { ...ok([]), status: DnsStatus.formatError }, 512);
    expect(reply.toString("hex")).toBe(`12348181${"0000".repeat(4)}`);
  });

  it("has whole records, as many as fit, and says if that is not all", () => {
    const records = fc.array(fc.oneof(address, text), { maxLength: 100 });
    const options = fc.option(fc.nat(65_535), { nil: undefined });
    fc.assert(
      fc.property(records, options, fc.constantFrom("udp", "tcp"), (all, udpPayloadSize, transport) => {
        const asked = query("example.org", udpPayloadSize === undefined ? {} : { udpPayloadSize });
        const limit = replyLimit(asked, transport);
        const bytes = encodeDnsReply(asked, ok(all), limit);
        expect(bytes.length).toBeLessThanOrEqual(limit);
        const reply = parseReply(bytes);
        const answers = reply.answers ?? [];
        expect(reply.flag_tc).toBe(answers.length < all.length);
        expect(answers).toMatchObject(all.slice(0, answers.length).map(({ type, data }) => ({ type, data })));
        const missing = all[answers.length];
        if (missing === undefined) return;
        const more = encodeDnsReply(asked, ok([...all.slice(0, answers.length), missing]), 1 << 20);
        expect(more.length).toBeGreaterThan(limit);
      }),
    );
  });
});

describe("replyLimit", () => {
  it.each([
    [undefined, 512],
    [1, 512],
    [511, 512],
    [800, 800],
    [1_232, 1_232],
    [65_535, 1_232],
  ])("is, for a client whose EDNS says %s, %d bytes in a datagram", (udpPayloadSize, bytes) => {
    const asked = query("a.org", udpPayloadSize === undefined ? {} : { udpPayloadSize });
    expect(replyLimit(asked, "udp")).toBe(bytes);
    expect(replyLimit(asked, "tcp")).toBe(16_384);
  });
});
