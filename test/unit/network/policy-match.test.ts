import { describe, expect, it } from "vitest";
import { parseIpv4Address } from "../../../src/base/ipv4.ts";
import { isPublicIpv4, SPECIAL_IPV4 } from "../../../src/base/special-ranges.ts";
import { isPublicAddress } from "../../../src/http/public-address.ts";
import { AddressVetting } from "../../../src/network/policy/address-vetting.ts";
import { INTERNET, ISOLATED } from "../../../src/network/policy/network-policy.ts";
import { allowsAddress, allowsName } from "../../../src/network/policy/policy-match.ts";
import { allow } from "../../fixtures/network/egress-guest.ts";

const address = parseIpv4Address;

describe("a policy", () => {
  it("that isolates allows nothing, and the internet everything", () => {
    expect(allowsName(ISOLATED, "example.org", 80)).toBe(false);
    expect(allowsAddress(ISOLATED, address("8.8.8.8"), 80)).toBe(false);
    expect(allowsName(INTERNET, "example.org", 1)).toBe(true);
    expect(allowsAddress(INTERNET, address("8.8.8.8"), 1)).toBe(true);
  });

  it("allows a name on its ports, and nothing that only looks like it", () => {
    const policy = allow("deb.debian.org:80");
    expect(allowsName(policy, "deb.debian.org", 80)).toBe(true);
    expect(allowsName(policy, "deb.debian.org")).toBe(true);
    expect(allowsName(policy, "deb.debian.org", 443)).toBe(false);
    for (const name of ["debian.org", "x.deb.debian.org", "xdeb.debian.org", "deb.debian.org.evil.com", ""]) {
      expect(allowsName(policy, name)).toBe(false);
    }
  });

  it("allows every name below a wildcard, and not the name itself", () => {
    const policy = allow("*.npmjs.org");
    expect(allowsName(policy, "registry.npmjs.org", 443)).toBe(true);
    expect(allowsName(policy, "a.b.npmjs.org", 80)).toBe(true);
    for (const name of ["npmjs.org", ".npmjs.org", "evilnpmjs.org", "npmjs.org.evil.com"]) {
      expect(allowsName(policy, name, 443)).toBe(false);
    }
  });

  it("allows subnets to their ends", () => {
    const policy = allow("8.8.8.0/24:53");
    expect(allowsAddress(policy, address("8.8.8.0"), 53)).toBe(true);
    expect(allowsAddress(policy, address("8.8.8.255"), 53)).toBe(true);
    expect(allowsAddress(policy, address("8.8.8.255"), 54)).toBe(false);
    expect(allowsAddress(policy, address("8.8.9.0"), 53)).toBe(false);
    expect(allowsAddress(policy, address("8.8.7.255"), 53)).toBe(false);
  });
});

describe("the vetting of addresses", () => {
  it("knows what is not public by the same list as downloads, at both ends of every range", () => {
    for (const [net, prefixLength] of SPECIAL_IPV4) {
      const first = address(net);
      const last = first + 2 ** (32 - prefixLength) - 1;
      for (const inside of [first, last]) expect(isPublicIpv4(inside), net).toBe(false);
      for (const near of [first - 1, last + 1].filter((one) => one >= 0 && one < 2 ** 32)) {
        const text = [24, 16, 8, 0].map((shift) => (near >>> shift) & 255).join(".");
        expect(isPublicIpv4(near), text).toBe(isPublicAddress(text));
      }
    }
  });

  it("refuses the host's own addresses, those that come later too", () => {
    let own = ["203.0.114.1", "fe80::1"];
    let nowMs = 0;
    const vetting = new AddressVetting(
      () => own,
      () => nowMs,
    );
    expect(vetting.fault(address("203.0.114.1"))).toBe("the host's own");
    expect(vetting.fault(address("203.0.114.2"))).toBeUndefined();
    own = ["203.0.114.2"];
    nowMs = 1_000;
    expect(vetting.fault(address("203.0.114.2"))).toBe("the host's own");
    expect(vetting.fault(address("203.0.114.1"))).toBeUndefined();
    expect(vetting.fault(address("127.0.0.1"))).toBe("not public");
  });

  it("goes by what it knew last where it cannot know, and refuses what it has never known", () => {
    const clock = { nowMs: 0 };
    let addresses: string[] | undefined;
    const list = () => {
      if (addresses === undefined) throw new Error("too many open files");
      return addresses;
    };
    const vetting = new AddressVetting(list, () => clock.nowMs);
    expect(vetting.fault(address("8.8.8.8"))).toBe("perhaps the host's own");
    addresses = ["8.8.8.8"];
    clock.nowMs = 1_000;
    expect(vetting.fault(address("8.8.8.8"))).toBe("the host's own");
    addresses = undefined;
    clock.nowMs = 2_000;
    expect(vetting.fault(address("8.8.8.8"))).toBe("the host's own");
    expect(vetting.fault(address("1.1.1.1"))).toBeUndefined();
  });
});
