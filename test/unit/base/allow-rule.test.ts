import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type AllowRule, allowRuleFault, covers, tryParseAllowRule } from "../../../src/base/allow-rule.ts";
import { lastAddress, netmask, parseIpv4Address } from "../../../src/base/ipv4.ts";
import type { NetworkPolicy } from "../../../src/network/policy/network-policy.ts";
import { allowsAddress, allowsName } from "../../../src/network/policy/policy-match.ts";

describe("an entry of an allow list", () => {
  it.each<[string, AllowRule]>([
    ["deb.debian.org", { name: "deb.debian.org", ports: [80, 443] }],
    ["Deb.Debian.Org:80", { name: "deb.debian.org", ports: [80] }],
    ["*.npmjs.org:443,80,443", { name: "*.npmjs.org", ports: [80, 443] }],
    ["_x.host-1.example:65535", { name: "_x.host-1.example", ports: [65_535] }],
    ["xn--mnchen-3ya.de", { name: "xn--mnchen-3ya.de", ports: [80, 443] }],
    ["8.8.8.8", { subnet: 0x08080808, prefixLength: 32, ports: [80, 443] }],
    ["8.8.8.0/24:5432,5433", { subnet: 0x08080800, prefixLength: 24, ports: [5_432, 5_433] }],
  ])("%s is a rule", (text, rule) => {
    expect(tryParseAllowRule(text)).toEqual(rule);
    expect(allowRuleFault(text)).toBeUndefined();
  });

  it.each([
    ["https://deb.debian.org", "is a URL"],
    ["deb.debian.org/path", "must be a host name"],
    ["", "must be a host name"],
    [".example.org", "must be a host name"],
    ["example.org.", "must be a host name"],
    ["exa mple.org", "must be a host name"],
    ["-example.org", "must be a host name"],
    ["example.123", "must be a host name"],
    ["0x7f000001", "must be a host name"],
    [`${"a".repeat(64)}.org`, "must be a host name"],
    [`${"abcdefg.".repeat(32)}org`, "longer than 253"],
    ["*", "internet"],
    ["www.*.org", "only as its first label"],
    ["*example.org", "only as its first label"],
    ["*.*.org", "only as its first label"],
    ["münchen.de", "xn--mnchen-3ya.de"],
    ["*.münchen.de:80", "*.xn--mnchen-3ya.de"],
    ["example.org:", "ports from 1 to 65535"],
    ["example.org:0", "ports from 1 to 65535"],
    ["example.org:65536", "ports from 1 to 65535"],
    ["example.org:80-90", "ports from 1 to 65535"],
    ["example.org:80, 90", "ports from 1 to 65535"],
    ["example.org:+80", "ports from 1 to 65535"],
    [`example.org:${Array.from({ length: 33 }, (_, i) => i + 1).join(",")}`, "more than 32 ports"],
    ["::1", "IPv6"],
    ["[2606:4700::1]:443", "IPv6"],
    ["8.8.8", "must be a host name, or an IPv4 address"],
    ["8.8.8.256", "must be a host name, or an IPv4 address"],
    ["08.8.8.8", "must be a host name, or an IPv4 address"],
    ["8.8.8.0/33", "prefix length"],
    ["8.8.8.0/", "prefix length"],
    ["8.8.8.0/24/1", "prefix length"],
    ["8.8.8.8/24", "first address of its subnet"],
    ["10.0.0.0/8", "10.0.0.0/8, which are not public"],
    ["169.254.169.254", "169.254.0.0/16, which are not public"],
    ["168.63.129.16", "not public"],
    ["198.18.0.1", "not public"],
    ["0.0.0.0/0", "not public"],
    ["172.0.0.0/8:80", "172.16.0.0/12, which are not public"],
  ])("%s is none, and says so", (text, fault) => {
    expect(tryParseAllowRule(text)).toBeUndefined();
    expect(allowRuleFault(text)).toContain(fault);
  });

  it("never fails on any text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(tryParseAllowRule(text) === undefined).toBe(allowRuleFault(text) !== undefined);
      }),
    );
  });
});

/** Few labels, ports and bits, so that rules meet. */
const names = fc.array(fc.constantFrom("a", "b"), { minLength: 1, maxLength: 4 }).map((labels) => labels.join("."));
const ports = fc.uniqueArray(fc.constantFrom(80, 443, 8_080), { minLength: 1 });
const patterns = fc.tuple(fc.constantFrom("", "*."), names).map(([wildcard, name]) => wildcard + name);
const nameRules = fc.record({ name: patterns, ports });
const BASE = parseIpv4Address("8.8.8.0");
const addresses = fc.nat(15).map((offset) => BASE + offset);
const subnetRules = fc.tuple(addresses, fc.integer({ min: 28, max: 32 }), ports).map(([address, prefixLength, of]) => ({
  subnet: (address & netmask(prefixLength)) >>> 0,
  prefixLength,
  ports: of,
}));
const rules: fc.Arbitrary<AllowRule> = fc.oneof(nameRules, subnetRules);
const allow = (list: readonly AllowRule[]): NetworkPolicy => ({ kind: "allow", rules: list });

describe("what a list covers", () => {
  it("allows nothing that the list does not", () => {
    fc.assert(
      fc.property(
        fc.array(rules, { maxLength: 6 }),
        rules,
        names,
        addresses,
        ports,
        (bound, rule, name, address, asked) => {
          if (!covers(bound, rule)) return;
          for (const port of asked) {
            if (allowsName(allow([rule]), name, port)) expect(allowsName(allow(bound), name, port)).toBe(true);
            if (allowsAddress(allow([rule]), address, port))
              expect(allowsAddress(allow(bound), address, port)).toBe(true);
          }
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it("is everything that the list allows: subnets, address by address", () => {
    fc.assert(
      fc.property(fc.array(subnetRules, { maxLength: 8 }), subnetRules, (bound, rule) => {
        let all = true;
        for (let address = rule.subnet; address <= lastAddress(rule.subnet, rule.prefixLength); address++) {
          all &&= rule.ports.every((port) => allowsAddress(allow(bound), address, port));
        }
        expect(covers(bound, rule)).toBe(all);
      }),
      { numRuns: 2_000 },
    );
  });

  it("is everything that the list allows: names, by some that only a wildcard matches", () => {
    fc.assert(
      fc.property(fc.array(nameRules, { maxLength: 6 }), nameRules, (bound, rule) => {
        const name = rule.name.replace("*", "one-that-no-rule-names");
        const all = rule.ports.every((port) => allowsName(allow(bound), name, port));
        expect(covers(bound, rule)).toBe(all);
      }),
      { numRuns: 2_000 },
    );
  });

  it("is joined from several subnets", () => {
    const [low, high, whole] = ["8.8.8.0/25", "8.8.8.128/25", "8.8.8.0/24"].map(
      (text) => tryParseAllowRule(text) as AllowRule,
    );
    expect(covers([high as AllowRule, low as AllowRule], whole as AllowRule)).toBe(true);
    expect(covers([low as AllowRule], whole as AllowRule)).toBe(false);
  });
});
