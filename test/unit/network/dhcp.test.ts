import { describe, expect, it } from "vitest";
import { parseIpv4Address, parseMac } from "../../../src/network/addresses.ts";
import { DhcpType, encodeDhcpReply, tryParseDhcpRequest } from "../../../src/network/dhcp/dhcp-message.ts";
import { dhcpReplyTo } from "../../../src/network/dhcp/dhcp-server.ts";

const MAC = parseMac("52:54:00:12:34:56");
const GUEST = parseIpv4Address("10.0.2.15");
const GATEWAY = parseIpv4Address("10.0.2.2");

function message(type: number, options = ""): Buffer {
  const fixed = Buffer.alloc(240);
  fixed.write("010106", 0, "hex");
  fixed.writeUInt32BE(0xcafe_f00d, 4);
  fixed.writeUIntBE(MAC, 28, 6);
  fixed.writeUInt32BE(0x6382_5363, 236);
  return Buffer.concat([fixed, Buffer.of(53, 1, type), Buffer.from(`${options}ff`, "hex")]);
}

function replyTo(bytes: Buffer) {
  const request = tryParseDhcpRequest(bytes);
  return request && dhcpReplyTo(request, 15_360);
}

function optionsOf(bytes: Buffer): Map<number, string> {
  const options = new Map<number, string>();
  for (let at = 240; bytes[at] !== 255; at += 2 + (bytes[at + 1] as number)) {
    options.set(bytes[at] as number, bytes.subarray(at + 2, at + 2 + (bytes[at + 1] as number)).toString("hex"));
  }
  return options;
}

describe("the DHCP server", () => {
  it("offers the one address", () => {
    expect(replyTo(message(DhcpType.discover))).toMatchObject({
      type: DhcpType.offer,
      yourAddress: GUEST,
      transaction: 0xcafe_f00d,
      clientMac: MAC,
    });
  });

  it("grants it to whom asks for it, and for a renewal", () => {
    expect(replyTo(message(DhcpType.request, "32040a00020f36040a000202"))).toMatchObject({
      type: DhcpType.ack,
      yourAddress: GUEST,
    });
    const renewal = message(DhcpType.request);
    renewal.writeUInt32BE(GUEST, 12);
    expect(replyTo(renewal)).toMatchObject({ type: DhcpType.ack, clientAddress: GUEST });
  });

  it("denies any other address", () => {
    expect(replyTo(message(DhcpType.request, "3204c0a80105"))).toMatchObject({
      type: DhcpType.nak,
      yourAddress: 0,
      broadcast: true,
    });
  });

  it("gives the configuration alone to a guest that has its address", () => {
    expect(replyTo(message(DhcpType.inform))).toMatchObject({
      type: DhcpType.ack,
      yourAddress: 0,
      leaseSeconds: undefined,
    });
  });

  it.each([
    ["is for another server", message(DhcpType.request, "32040a00020f36040a000203")],
    ["gives the address back", message(DhcpType.release)],
    ["is an answer", Buffer.concat([Buffer.of(2), message(DhcpType.discover).subarray(1)])],
    ["has no type", Buffer.concat([message(1).subarray(0, 240), Buffer.of(255)])],
    ["is cut off", message(DhcpType.discover).subarray(0, 239)],
  ])("keeps silent when a message %s", (_what, bytes) => {
    expect(replyTo(bytes)).toBeUndefined();
  });

  it("tells address, routes, resolver and MTU", () => {
    const reply = replyTo(message(DhcpType.discover));
    const bytes = reply && encodeDhcpReply(reply);
    if (bytes === undefined) throw new Error("no reply");
    expect(bytes.length).toBeGreaterThanOrEqual(300);
    expect(bytes.readUInt32BE(16)).toBe(GUEST);
    const options = optionsOf(bytes);
    expect(Object.fromEntries(options)).toEqual({
      1: "ffffff00",
      3: "0a000202",
      6: "0a000202",
      26: "3c00",
      51: "00015180",
      53: "02",
      54: "0a000202",
      121: "20a9fea9fe0a000202" + "000a000202",
    });
    expect(options.get(54)).toBe(GATEWAY.toString(16).padStart(8, "0"));
  });
});
