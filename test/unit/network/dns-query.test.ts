import type { OptAnswer } from "dns-packet";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { tryParseDnsQuery } from "../../../src/network/dns/dns-query.ts";
import { buildQuery } from "../../fixtures/network/dns-client.ts";

const HEADER = "1234" + "0100" + "0001" + "000000000000";

/** A query by the bytes of its question. */
function asking(hex: string): Buffer {
  return Buffer.from(HEADER + hex, "hex");
}

function nameOf(bytes: Buffer): string | undefined {
  return tryParseDnsQuery(bytes)?.question?.name;
}

describe("tryParseDnsQuery", () => {
  it("reads the question, its name in lower case and its bytes as they are", () => {
    const query = tryParseDnsQuery(buildQuery("WwW.Example.org", { type: 33 }));
    expect(query).toMatchObject({
      id: 0x1234,
      opcode: 0,
      recursionDesired: true,
      checkingDisabled: false,
      question: { name: "www.example.org", type: 33, class: 1 },
      edns: undefined,
    });
    expect(query?.question?.bytes.toString("latin1")).toContain("WwW");
  });

  it("reads the options of EDNS beside a record that it does not know", () => {
    const additionals = [{ type: "NULL", name: "key", data: Buffer.from("signature") } as const];
    const query = tryParseDnsQuery(buildQuery("a.org", { udpPayloadSize: 4_096, ednsVersion: 1, additionals }));
    expect(query).toMatchObject({ question: { name: "a.org" }, edns: { version: 1, payloadBytes: 4_096 } });
  });

  it("calls the root by the empty name", () => {
    expect(nameOf(buildQuery(".", { type: 2 }))).toBe("");
  });

  it("makes no ASCII letter of one that is none", () => {
    expect(nameOf(buildQuery("\u212Aelvin.org"))).toBe("\u212Aelvin.org");
  });

  it.each([
    ["shorter than a header", Buffer.alloc(11)],
    ["a response", Buffer.from(`1234${"8100"}0001000000000000`, "hex")],
  ])("is no query: %s", (_what, bytes) => {
    expect(tryParseDnsQuery(bytes)).toBeUndefined();
  });

  it.each([
    ["a name that points to itself", asking("c00c00010001")],
    ["a name that points into the header", asking("0161c00600010001")],
    ["a name without an end", asking("0161")],
    ["a label longer than the message", asking("3f61")],
    ["no type", asking("00")],
    ["half a type", asking("000001000")],
    ["a label of an unknown kind", asking("41610000010001")],
    ["a name of more than 255 bytes", asking(`${`3f${"61".repeat(63)}`.repeat(5)}0000010001`)],
    ["a dot inside a label", asking("03612e620000010001")],
    ["bytes that are no UTF-8", asking("02fffe0000010001")],
    ["nothing behind the header", Buffer.from(HEADER, "hex")],
    ["no question", Buffer.from("1234010000000000000000000000000000010001", "hex")],
    ["two questions", Buffer.from("12340100000200000000000000000100010000010001", "hex")],
    ["records in the answer", Buffer.concat([withCounts(1, 1, 0, 0), question(), record()])],
    ["records of authorities", Buffer.concat([withCounts(1, 0, 1, 0), question(), record()])],
    ["three additional records", Buffer.concat([withCounts(1, 0, 0, 3), question(), record(), record(), record()])],
    ["options twice", buildQuery("a", { udpPayloadSize: 512, additionals: [optionRecord()] })],
    ["counts that nothing follows", withCounts(65_535, 65_535, 65_535, 65_535)],
    ["more bytes than a question takes", Buffer.concat([buildQuery("a.org"), Buffer.alloc(4_096)])],
  ])("has no question: %s", (_what, bytes) => {
    expect(tryParseDnsQuery(bytes)).toMatchObject({ question: undefined, edns: undefined });
  });

  it("takes any bytes", () => {
    const bytes = fc.uint8Array({ maxLength: 5_000 }).map((data) => Buffer.from(data));
    // So that it does not end at the header.
    const likely = bytes.map((data) => Buffer.concat([withCounts(1, 0, 0, 2), data]));
    fc.assert(
      fc.property(fc.oneof(bytes, likely), (message) => {
        const question = tryParseDnsQuery(message)?.question;
        if (question !== undefined) expect(question.name.length).toBeLessThanOrEqual(253);
      }),
      { numRuns: 2_000 },
    );
  });

  it("takes every query with some of its bytes changed or cut off", () => {
    const whole = buildQuery("_http._tcp.mirror.internal", { type: 33, udpPayloadSize: 1_232 });
    const change = fc.tuple(fc.nat(whole.length - 1), fc.nat(255));
    fc.assert(
      fc.property(fc.array(change, { maxLength: 8 }), fc.nat(whole.length), (changes, length) => {
        const message = Buffer.from(whole);
        for (const [at, value] of changes) message[at] = value;
        const query = tryParseDnsQuery(message.subarray(0, length));
        if (query?.question !== undefined) expect(message.indexOf(query.question.bytes)).toBe(12);
      }),
      { numRuns: 2_000 },
    );
  });
});

function withCounts(...counts: [number, number, number, number]): Buffer {
  const header = Buffer.from("123401000000000000000000", "hex");
  for (const [index, count] of counts.entries()) header.writeUInt16BE(count, 4 + 2 * index);
  return header;
}

function question(): Buffer {
  return Buffer.from("01610000010001", "hex");
}

/** `NULL` without data, of the root. */
function record(): Buffer {
  return Buffer.from("00000a0001000000000000", "hex");
}

function optionRecord(): OptAnswer {
  return {
    type: "OPT",
    name: ".",
    udpPayloadSize: 512,
    extendedRcode: 0,
    ednsVersion: 0,
    flags: 0,
    flag_do: false,
    options: [],
  };
}
