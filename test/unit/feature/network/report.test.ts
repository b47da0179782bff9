import { describe, expect, it } from "vitest";
import { describePolicy, formatPolicy } from "../../../../src/feature/network/describe-policy.ts";
import { formatSummary, type NetworkSummary, reportOf } from "../../../../src/feature/network/report.ts";
import { networkPolicyOf } from "../../../../src/feature/network/request.ts";

const entry = { time: "2026-11-21T00:00:00.000Z", kind: "dns", decision: "refused", name: "a.example" } as const;
const summary = { mode: "user", policy: "internet", counts: { asked: 1 }, stats: { dropped: {} } } as unknown;

describe("the report of a network", () => {
  it("is what its log says", () => {
    const log = `${JSON.stringify(entry)}\n${formatSummary(summary as NetworkSummary, new Date())}`;
    expect(reportOf(log)).toEqual({ live: false, ...(summary as object), entries: [entry] });
  });

  it("has the latest entries of a long log, and none that were cut off", () => {
    const lines = Array.from({ length: 300 }, (_, port) => JSON.stringify({ ...entry, port }));
    const { entries } = reportOf(`${lines.join("\n")}\n{"time":"2026-11-`);
    expect(entries.map(({ port }) => port)).toEqual(Array.from({ length: 200 }, (_, index) => 100 + index));
    expect(reportOf('null\n[]\n5\n{"leftOut":5}\n')).toEqual({ live: false, entries: [] });
  });
});

describe("a policy", () => {
  it("is written as payloads have it", () => {
    const network = { allow: ["deb.debian.org:80", "*.npmjs.org", "8.8.8.0/24:53,853"] };
    expect(formatPolicy(networkPolicyOf(network))).toEqual(network);
    expect(formatPolicy(networkPolicyOf("internet"))).toBe("internet");
  });

  it("is told on a line", () => {
    expect(describePolicy("isolated")).toBe("isolated");
    expect(describePolicy({ allow: ["a.example"] })).toBe("allow, 1 rule");
    expect(describePolicy({ allow: ["a.example", "b.example"] })).toBe("allow, 2 rules");
  });
});
