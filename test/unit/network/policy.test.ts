import { describe, expect, it } from "vitest";
import { parseIpv4Address } from "../../../src/network/addresses.ts";
import { type DnsQuery, encodeDnsReply, tryParseDnsQuery } from "../../../src/network/dns/dns-message.ts";
import { decideName } from "../../../src/network/policy.ts";

function query(name: string, type = 1, overrides: Partial<DnsQuery> = {}): DnsQuery {
  const header = Buffer.from("1234" + "0100" + "0001" + "000000000000", "hex");
  const labels = name.split(".").map((label) => Buffer.concat([Buffer.of(label.length), Buffer.from(label)]));
  const parsed = tryParseDnsQuery(Buffer.concat([header, ...labels, Buffer.of(0, type >> 8, type & 0xff, 0, 1)]));
  if (parsed === undefined) throw new Error("not a query");
  return { ...parsed, ...overrides };
}

describe("the isolated policy", () => {
  it("resolves the metadata name, in any letter case", () => {
    const addresses = [parseIpv4Address("169.254.169.254")];
    expect(decideName(query("metadata.boxcar.internal"))).toMatchObject({ status: 0, addresses });
    expect(decideName(query("METADATA.boxcar.Internal"))).toMatchObject({ status: 0, addresses });
  });

  it("says that the metadata name has no IPv6 address", () => {
    expect(decideName(query("metadata.boxcar.internal", 28))).toMatchObject({ status: 0, addresses: [] });
  });

  it("refuses every other name", () => {
    expect(decideName(query("example.org"))).toMatchObject({ status: 5, addresses: [] });
    expect(decideName(query("x.metadata.boxcar.internal"))).toMatchObject({ status: 5 });
  });

  it("answers a query that it does not understand with the reason", () => {
    expect(decideName(query("a", 1, { question: undefined }))).toMatchObject({ status: 1 });
    expect(decideName(query("a", 1, { opcode: 2 }))).toMatchObject({ status: 4 });
  });
});

describe("DNS messages", () => {
  it("repeat the question as asked and carry the answer", () => {
    const asked = query("Metadata.boxcar.internal");
    const reply = encodeDnsReply(asked, decideName(asked));
    expect(reply.subarray(0, 12).toString("hex")).toBe("1234" + "8580" + "0001" + "0001" + "00000000");
    expect(reply.toString("latin1")).toContain("Metadata");
    expect(reply.subarray(-6).toString("hex")).toBe("0004a9fea9fe");
  });

  it("are no queries if they are responses or too short", () => {
    expect(tryParseDnsQuery(Buffer.from("1234" + "8100" + "0001" + "000000000000", "hex"))).toBeUndefined();
    expect(tryParseDnsQuery(Buffer.alloc(11))).toBeUndefined();
  });

  it.each([
    ["a compressed name", "c00c00010001"],
    ["a name without an end", "0161"],
    ["a label longer than the message", "3f61"],
    ["no type", "00"],
    ["a name of more than 255 bytes", `${`3f${"61".repeat(63)}`.repeat(5)}0000010001`],
  ])("have no question with %s", (_what, hex) => {
    const header = Buffer.from("1234" + "0100" + "0001" + "000000000000", "hex");
    expect(tryParseDnsQuery(Buffer.concat([header, Buffer.from(hex, "hex")]))).toMatchObject({ question: undefined });
  });
});
