import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatIpv4Address, netmask, parseIpv4Address, parseMac } from "../../../src/network/addresses.ts";

describe("addresses", () => {
  it("reads what it writes", () => {
    fc.assert(
      fc.property(fc.nat(0xffff_ffff), (address) => {
        expect(parseIpv4Address(formatIpv4Address(address))).toBe(address);
      }),
    );
  });

  it("reads a MAC address", () => {
    expect(parseMac("02:00:0a:00:00:01")).toBe(0x02_00_0a_00_00_01);
  });

  it.each(["10.0.2", "10.0.2.256", "010.0.2.1", "10.0.2.1.1", "", "a.b.c.d"])("refuses the address %j", (text) => {
    expect(() => parseIpv4Address(text)).toThrow(TypeError);
  });

  it.each(["52:54:00:12:34", "52-54-00-12-34-56", "52:54:00:12:34:5g", ""])("refuses the MAC address %j", (text) => {
    expect(() => parseMac(text)).toThrow(TypeError);
  });

  it("makes netmasks", () => {
    expect([0, 8, 24, 32].map(netmask).map(formatIpv4Address)).toEqual([
      "0.0.0.0",
      "255.0.0.0",
      "255.255.255.0",
      "255.255.255.255",
    ]);
  });
});
