import { describe, expect, it } from "vitest";
import { completeNetworkPolicy, type NetworkPolicySettings } from "../../../../src/config/network/policy.ts";
import { RefusalHints } from "../../../../src/feature/network/refusal-hints.ts";
import type { EgressEntry } from "../../../../src/network/egress/egress-entry.ts";
import { INTERNET, ISOLATED, type NetworkPolicy } from "../../../../src/network/policy/network-policy.ts";

const LIST: NetworkPolicy = { kind: "allow", rules: [] };

function refusal(entry: Partial<EgressEntry>): EgressEntry {
  return { kind: "connect", decision: "refused", reason: "policy", ...entry };
}

const UNBOUNDED: NetworkPolicySettings = { max: "internet", allow: undefined };

const hint = (policy: NetworkPolicy, entry: Partial<EgressEntry>, bounds = UNBOUNDED) =>
  new RefusalHints(policy, bounds).next(refusal(entry));

describe("the line about a host that is refused", () => {
  it("says how a list would have it", () => {
    expect(hint(LIST, { name: "a.example", port: 443 })).toBe(
      "network: refused a.example:443; add it to network.allow of the payload",
    );
    expect(hint(LIST, { kind: "dns", name: "a.example", reason: "A REFUSED: policy" })).toBe(
      "network: refused a.example; add it to network.allow of the payload",
    );
  });

  it("says that the task is isolated", () => {
    expect(hint(ISOLATED, { addresses: ["8.8.8.8"], port: 53 })).toBe(
      'network: refused 8.8.8.8:53; this task is isolated, and network: {allow: ["8.8.8.8:53"]} in its payload would let it',
    );
  });

  it("asks for nothing that no worker allows", () => {
    for (const policy of [ISOLATED, LIST, INTERNET]) {
      expect(hint(policy, { addresses: ["10.1.2.3"], port: 22 })).toMatch(
        /^network: refused 10\.1\.2\.3:22: it has addresses of/,
      );
    }
  });

  it("asks for nothing that this worker refuses", () => {
    const entry = { name: "a.example", port: 443 };
    const refused = "network: refused a.example:443: no task of this worker may reach it";
    const bounded = completeNetworkPolicy({ max: "allow", allow: ["*.example:80"] });
    for (const policy of [ISOLATED, LIST]) {
      expect(hint(policy, entry, { max: "isolated", allow: undefined })).toBe(refused);
      expect(hint(policy, entry, bounded)).toBe(refused);
      expect(hint(policy, { ...entry, port: 80 }, bounded)).toContain("network: refused a.example:80;");
    }
    // Which port it is for is not known yet.
    expect(hint(LIST, { kind: "dns", name: "a.example" }, bounded)).toBe(
      "network: refused a.example; add it to network.allow of the payload",
    );
    expect(hint(LIST, { kind: "dns", name: "a.org" }, bounded)).toContain("no task of this worker");
  });

  it("does not ask for what is listed already", () => {
    expect(hint(LIST, { kind: "dns", name: "a.example", reason: "A NOERROR: no public address" })).toBe(
      "network: refused a.example: it has no public address",
    );
  });

  it("says what else is in the way", () => {
    expect(hint(LIST, { name: "a.example", port: 443, reason: "too many connections" })).toBe(
      "network: refused a.example:443: too many connections",
    );
    expect(hint(INTERNET, { kind: "dns", name: "a.example", reason: "A NOERROR: no public address" })).toBe(
      "network: refused a.example: it has no public address",
    );
  });

  it.each([
    { kind: "dns", name: "4.3.2.1.in-addr.arpa" },
    { kind: "dns", name: "_http._tcp.deb.debian.org" },
    { kind: "dns", name: "wpad" },
    { kind: "dns", name: "printer.local" },
    { kind: "datagram", addresses: ["224.0.0.251"], port: 5353 },
    { kind: "datagram", addresses: ["255.255.255.255"], port: 67 },
    { kind: "datagram" },
    { decision: "allowed", name: "a.example" },
    { decision: "failed", name: "a.example" },
  ] as const)("is not there for what nobody misses: %j", (entry) => {
    expect(hint(ISOLATED, entry)).toBeUndefined();
  });

  it("comes once for a host, and for ten hosts", () => {
    const hints = new RefusalHints(LIST, UNBOUNDED);
    const lines = Array.from({ length: 30 }, (_, index) => [
      hints.next(refusal({ name: `a${index % 15}.example`, port: 80 })),
      hints.next(refusal({ name: `a${index % 15}.example`, port: 80 })),
    ]).flat();
    const said = lines.filter((line) => line !== undefined);
    expect(said).toHaveLength(11);
    expect(said.at(-1)).toContain("network.jsonl");
  });
});
