import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { tryParseDhcpRequest } from "../../../src/network/dhcp/dhcp-message.ts";
import { tryParseDnsQuery } from "../../../src/network/dns/dns-query.ts";
import { ARP_BYTES, tryParseArp, writeArp } from "../../../src/network/packet/arp.ts";
import { ETHERNET_HEADER_BYTES, tryParseEthernet, writeEthernetHeader } from "../../../src/network/packet/ethernet.ts";
import { encodeIcmp, hasValidIcmpChecksum, tryParseIcmp } from "../../../src/network/packet/icmp.ts";
import {
  hasValidHeaderChecksum,
  IPV4_HEADER_BYTES,
  IpProtocol,
  transportChecksum,
  tryParseIpv4,
  writeIpv4Header,
} from "../../../src/network/packet/ipv4.ts";
import { encodeUdp, hasValidUdpChecksum, tryParseUdp } from "../../../src/network/packet/udp.ts";
import { inspectFrame } from "../../../src/network/user/ingress.ts";
import {
  parseTcpOptions,
  TCP_HEADER_BYTES,
  tryParseTcp,
  writeSynOptions,
  writeTcpHeader,
} from "../../../src/network/user/tcp/tcp-segment.ts";

const uint16 = fc.nat(0xffff);
const uint32 = fc.nat(0xffff_ffff);
const mac = fc.bigInt(0n, 0xffff_ffff_ffffn).map(Number);
const bytes = fc.uint8Array({ maxLength: 1_460 }).map((data) => Buffer.from(data));
const ipHeader = fc.record({ protocol: fc.nat(255), source: uint32, destination: uint32 });

describe("codecs", () => {
  it("read the ethernet frames they write", () => {
    fc.assert(
      fc.property(mac, mac, uint16, bytes, (destination, source, etherType, payload) => {
        const frame = Buffer.concat([Buffer.alloc(ETHERNET_HEADER_BYTES), payload]);
        writeEthernetHeader(frame, { destination, source, etherType });
        expect(tryParseEthernet(frame)).toEqual({ destination, source, etherType, payload });
      }),
    );
  });

  it("read the ARP packets they write", () => {
    const packet = fc.record({
      operation: uint16,
      senderMac: mac,
      senderAddress: uint32,
      targetMac: mac,
      targetAddress: uint32,
    });
    fc.assert(
      fc.property(packet, (arp) => {
        const out = Buffer.alloc(ARP_BYTES);
        writeArp(out, arp);
        expect(tryParseArp(out)).toEqual(arp);
      }),
    );
  });

  it("read the IPv4 packets they write, without the padding of the frame", () => {
    fc.assert(
      fc.property(ipHeader, bytes, fc.nat(40), (header, payload, padding) => {
        const packet = Buffer.concat([Buffer.alloc(IPV4_HEADER_BYTES), payload, Buffer.alloc(padding)]);
        writeIpv4Header(packet, header, payload.length);
        const parsed = tryParseIpv4(packet);
        expect(parsed).toMatchObject({ ...header, fragment: false, payload });
        expect(parsed && hasValidHeaderChecksum(parsed)).toBe(true);
      }),
    );
  });

  it("notice a changed IPv4 header", () => {
    fc.assert(
      fc.property(
        ipHeader,
        fc.constantFrom(8, 9, 12, 15, 19),
        fc.integer({ min: 1, max: 255 }),
        (header, at, change) => {
          const packet = Buffer.alloc(IPV4_HEADER_BYTES);
          writeIpv4Header(packet, header, 0);
          packet[at] = (packet[at] as number) ^ change;
          const parsed = tryParseIpv4(packet);
          expect(parsed && hasValidHeaderChecksum(parsed)).toBe(false);
        },
      ),
    );
  });

  it("see that a packet is a fragment", () => {
    const packet = Buffer.alloc(IPV4_HEADER_BYTES);
    writeIpv4Header(packet, { protocol: 17, source: 1, destination: 2 }, 0);
    packet.writeUInt16BE(0x2000, 6);
    expect(tryParseIpv4(packet)).toMatchObject({ fragment: true });
    packet.writeUInt16BE(0x0001, 6);
    expect(tryParseIpv4(packet)).toMatchObject({ fragment: true });
  });

  it("read the ICMP messages they write", () => {
    fc.assert(
      fc.property(fc.nat(255), fc.nat(255), uint32, bytes, (type, code, rest, body) => {
        const out = encodeIcmp({ type, code, rest, body });
        expect(tryParseIcmp(out)).toEqual({ type, code, rest, body });
        expect(hasValidIcmpChecksum(out)).toBe(true);
      }),
    );
  });

  it("read the UDP datagrams they write", () => {
    fc.assert(
      fc.property(ipHeader, uint16, uint16, bytes, (ip, sourcePort, destinationPort, payload) => {
        const header = { ...ip, protocol: IpProtocol.udp };
        const out = encodeUdp(header, { sourcePort, destinationPort, payload });
        expect(tryParseUdp(out)).toEqual({ sourcePort, destinationPort, payload });
        expect(out.readUInt16BE(6)).not.toBe(0);
        expect(hasValidUdpChecksum(header, out)).toBe(true);
      }),
    );
  });

  it("take a UDP datagram without a checksum", () => {
    const header = { protocol: IpProtocol.udp, source: 1, destination: 2 };
    const out = encodeUdp(header, { sourcePort: 1, destinationPort: 2, payload: Buffer.from("x") });
    out.writeUInt16BE(0, 6);
    expect(hasValidUdpChecksum(header, out)).toBe(true);
    out.writeUInt16BE(1, 6);
    expect(hasValidUdpChecksum(header, out)).toBe(false);
  });

  it("read the TCP segments they write", () => {
    const tcp = fc.record({
      sourcePort: uint16,
      destinationPort: uint16,
      sequence: uint32,
      acknowledgement: uint32,
      flags: fc.nat(0xff),
      window: uint16,
    });
    fc.assert(
      fc.property(ipHeader, tcp, bytes, (ip, header, payload) => {
        const out = Buffer.concat([Buffer.alloc(TCP_HEADER_BYTES), payload]);
        writeTcpHeader(out, ip, header, 0);
        expect(tryParseTcp(out)).toEqual({ ...header, options: Buffer.alloc(0), payload });
        expect(transportChecksum(ip, out)).toBe(0);
      }),
    );
  });

  it("read the TCP options they write", () => {
    const out = Buffer.alloc(8);
    writeSynOptions(out, 1_460, 3);
    expect(parseTcpOptions(out)).toEqual({ maximumSegmentBytes: 1_460, windowShift: 3 });
    writeSynOptions(out, 536, undefined);
    expect(parseTcpOptions(out)).toEqual({ maximumSegmentBytes: 536, windowShift: undefined });
  });

  it("skip unknown TCP options and never scale by more than 14", () => {
    const options = Buffer.from("08 0a 0000000000000000 04 02 03 03 ff 00".replaceAll(" ", ""), "hex");
    expect(parseTcpOptions(options)).toEqual({ maximumSegmentBytes: undefined, windowShift: 14 });
  });

  it("stop at a malformed TCP option", () => {
    for (const hex of ["02", "0200", "0201", "02ff05b4", "0204"]) {
      expect(parseTcpOptions(Buffer.from(hex, "hex"))).toEqual({
        maximumSegmentBytes: undefined,
        windowShift: undefined,
      });
    }
  });

  it("never throw on bytes that nobody should send", () => {
    const anything = fc.uint8Array({ maxLength: 600 }).map((data) => Buffer.from(data));
    fc.assert(
      fc.property(anything, (data) => {
        tryParseEthernet(data);
        tryParseArp(data);
        tryParseIpv4(data);
        tryParseIcmp(data);
        if (tryParseUdp(data) !== undefined) hasValidUdpChecksum({ protocol: 17, source: 0, destination: 0 }, data);
        tryParseTcp(data);
        parseTcpOptions(data);
        tryParseDhcpRequest(data);
        tryParseDnsQuery(data);
        inspectFrame(data, 1);
      }),
      { numRuns: 2_000 },
    );
  });
});
