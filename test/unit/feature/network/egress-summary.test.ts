import { describe, expect, it } from "vitest";
import { EgressSummary } from "../../../../src/feature/network/egress-summary.ts";
import type { EgressEntry } from "../../../../src/network/egress/egress-entry.ts";

function summaryOf(...entries: EgressEntry[]): EgressSummary {
  const summary = new EgressSummary();
  for (const entry of entries) summary.add(entry);
  return summary;
}

describe("the line about the network of a task", () => {
  it("counts names once, connections and flows each time, and their bytes", () => {
    const summary = summaryOf(
      { kind: "dns", decision: "allowed", name: "a.example", reason: "A NOERROR" },
      { kind: "dns", decision: "allowed", name: "a.example", reason: "AAAA NOERROR" },
      { kind: "dns", decision: "refused", name: "b.example" },
      { kind: "dns", decision: "allowed", name: "b.example" },
      { kind: "connect", decision: "allowed", name: "a.example", port: 443, bytesIn: 2_048, bytesOut: 1_024 },
      { kind: "proxy", decision: "allowed", name: "a.example", port: 443, bytesIn: 1_024, bytesOut: 0 },
      { kind: "connect", decision: "refused", addresses: ["10.0.0.1"], port: 22, count: 3 },
      { kind: "datagram", decision: "allowed", addresses: ["8.8.8.8"], port: 123, bytesIn: 48, bytesOut: 48 },
    );
    expect(summary.describe()).toBe(
      "network: 2 names asked, 1 refused; 5 connections, 3 refused; 1 UDP flow; 1.0 KiB out, 3.0 KiB in",
    );
  });

  it("says what was dropped that no guest has a business to send", () => {
    const dropped = { "not-for-network": 6, unsupported: 5, "spoofed-mac": 2, "rate-limited": 40, fragment: 0 };
    expect(summaryOf().describe(dropped)).toBe("network: 42 packets dropped (40 rate-limited, 2 spoofed-mac)");
    expect(summaryOf().isEmpty).toBe(true);
    expect(summaryOf().describe({ unsupported: 5 })).toBe("network: nothing was asked for");
  });

  it("does not grow with what a guest asks for", () => {
    const summary = new EgressSummary();
    for (let index = 0; index < 10_050; index++) {
      summary.add({ kind: "dns", decision: "refused", name: `${index}.example` });
    }
    expect(summary.describe()).toBe("network: 10000 names or more asked, 10000 refused");
  });
});
