import { describe, expect, it } from "vitest";
import { parseIpv4Address } from "../../../../src/network/addresses.ts";
import { DEFAULT_LIMITS } from "../../../../src/network/limits.ts";
import { flowRules, policyRules } from "../../../../src/network/namespace/flow-rules.ts";
import { COUNTED_REASONS, guardRules } from "../../../../src/network/namespace/guard-rules.ts";
import { formatPorts } from "../../../../src/network/namespace/ports-text.ts";
import { setupScript } from "../../../../src/network/namespace/setup-script.ts";

const MAC = "52:54:00:12:34:56";
const CARD = { mac: MAC, mtu: 1_500, limits: DEFAULT_LIMITS };
const FORBIDDEN = { special: ["10.0.0.0/8", "198.18.0.0/15"], own: ["93.184.215.14"] };

/** What is added to the chain of the policy, in order. */
function rulesOf(text: string): string[] {
  const [flush, ...rules] = text.trimEnd().split("\n");
  expect(flush).toBe("flush chain ip boxcar outside");
  return rules.map((rule) => rule.replace("add rule ip boxcar outside ", ""));
}

describe("ports", () => {
  it.each([
    [[80], "{ 80 }"],
    [[443, 80, 80], "{ 80, 443 }"],
    [[1, 2, 3, 5, 6, 9], "{ 1-3, 5-6, 9 }"],
    [Array.from({ length: 65_535 }, (_, index) => index + 1), "{ 1-65535 }"],
  ])("are written as few ranges", (ports, text) => {
    expect(formatPorts(ports)).toBe(text);
  });
});

describe("the rules of a policy", () => {
  it("let an isolated machine go nowhere", () => {
    expect(rulesOf(policyRules({ kind: "isolated" }, FORBIDDEN))).toEqual([]);
  });

  it("except what never is the outside before they let anything else pass", () => {
    expect(rulesOf(policyRules({ kind: "internet" }, FORBIDDEN))).toEqual([
      "ip daddr 1.0.0.0-223.255.255.255 meta l4proto { tcp, udp } th dport 53 goto carry",
      "ip daddr 10.0.0.0/8 return",
      "ip daddr 198.18.0.0/15 return",
      "ip daddr 93.184.215.14 return",
      "meta l4proto { tcp, udp } goto carry",
    ]);
  });

  it("let names pass by their virtual addresses, and subnets only where they are public", () => {
    const policy = {
      kind: "allow",
      rules: [
        { name: "example.org", ports: [80, 443] },
        { name: "*.example.net", ports: [443, 8_443] },
        { subnet: parseIpv4Address("93.184.0.0"), prefixLength: 16, ports: [5_432] },
      ],
    } as const;
    expect(rulesOf(policyRules(policy, FORBIDDEN))).toEqual([
      "ip daddr 1.0.0.0-223.255.255.255 meta l4proto { tcp, udp } th dport 53 goto carry",
      "ip daddr 198.18.0.0/15 meta l4proto { tcp, udp } th dport { 80, 443, 8443 } goto carry",
      "ip daddr 10.0.0.0/8 return",
      "ip daddr 198.18.0.0/15 return",
      "ip daddr 93.184.215.14 return",
      "ip daddr 93.184.0.0/16 meta l4proto { tcp, udp } th dport { 5432 } goto carry",
    ]);
  });

  it("have no way to virtual addresses where no name is allowed", () => {
    const rules = [{ subnet: parseIpv4Address("93.184.0.0"), prefixLength: 16, ports: [80] }];
    const text = policyRules({ kind: "allow", rules }, FORBIDDEN);
    expect(text).not.toMatch(/198\.18.*goto carry/);
  });
});

describe("the rules of all machines", () => {
  it("drop by default, at every hook that decides", () => {
    const text = guardRules(CARD) + flowRules(DEFAULT_LIMITS);
    for (const hook of ["ingress device", "input", "forward"]) {
      expect(text).toMatch(new RegExp(`hook ${hook}.*policy drop;`));
    }
  });

  it("count each reason", () => {
    const text = guardRules(CARD);
    for (const reason of COUNTED_REASONS) expect(text).toContain(`counter name "${reason}" drop`);
  });

  it("limit frames and bytes only where there are limits", () => {
    const unlimited = guardRules(CARD);
    const limited = guardRules({ ...CARD, limits: { packetsPerSecond: 1_234, bytesPerSecond: 5_000_000 } });
    const added = limited.split("\n").filter((line) => !unlimited.includes(line));
    expect(added.map((line) => line.trim())).toEqual([
      'limit rate over 1234/second burst 2468 packets counter name "rate-limited" drop',
      'limit rate over 5000000 bytes/second burst 1250000 bytes counter name "rate-limited" drop',
    ]);
  });
});

describe("the script that makes a namespace fit", () => {
  const options = { mac: MAC, mtu: 15_360, uid: 7, limits: DEFAULT_LIMITS, rules: "# of the policy\n" };

  it("ends at the first fault, and becomes its arguments only at the end", () => {
    const lines = setupScript(options).trimEnd().split("\n");
    expect(lines[0]).toBe("set -e");
    expect(lines.at(-1)).toBe('exec "$@"');
    expect(lines.filter((line) => line.startsWith("exec"))).toHaveLength(1);
  });

  it("makes a tap device for its user, without headers for offloads", () => {
    const script = setupScript(options);
    expect(script).toContain("tuntap add dev tap0 mode tap user 7\n");
    expect(script).not.toContain("vnet_hdr");
    expect(script).toContain("neigh replace 10.0.2.15 lladdr 52:54:00:12:34:56 dev tap0 nud permanent");
    expect(script.match(/mtu 15360/g)).toHaveLength(2);
  });

  it("has rules for the policy before anybody could use the device", () => {
    const script = setupScript(options);
    expect(script.indexOf("# of the policy")).toBeGreaterThan(script.indexOf("chain outside"));
    expect(script.indexOf("# of the policy")).toBeLessThan(script.indexOf("exec "));
  });

  it("shapes what goes to the guest only where it is limited", () => {
    expect(setupScript(options)).not.toContain("tc ");
    const limits = { ...DEFAULT_LIMITS, bytesPerSecond: 1_000_000 };
    expect(setupScript({ ...options, limits })).toContain("tbf rate 8000000bit burst 131072 latency 100ms");
  });
});
