import { describe, expect, it } from "vitest";
import { describeNetwork } from "../../../../src/cli/queue/describe-network.ts";
import type { NetworkReport } from "../../../../src/feature/network/report.ts";
import { NO_STATS } from "../../../../src/network/user/counters.ts";

const counts = { asked: 3, allowed: 1, refused: 1, failed: 1, leftOut: 0 };
const entry = { time: "2026-11-21T15:38:29.123Z", kind: "connect", decision: "refused" } as const;
const report: NetworkReport = { live: false, mode: "user", policy: "isolated", counts, stats: NO_STATS, entries: [] };

const lines = (changes: Partial<NetworkReport>) => describeNetwork({ ...report, ...changes }).split("\n");

describe("the network of a run, for people", () => {
  it("is what it was, and what was asked for", () => {
    const entries = [{ ...entry, name: "a.example", addresses: ["45.79.1.10"], port: 80, reason: "policy" }];
    const said = lines({ live: true, stats: { ...NO_STATS, connectionsOpened: 5, connections: 2 }, entries });
    expect(said).toContain("policy          isolated");
    expect(said).toContain("asked           3: 1 allowed, 1 refused, 1 failed");
    expect(said).toContain("connections     5, of which 2 are open");
    expect(said.at(-1)).toMatch(
      /^2026-11-21T15:38:29 +connect +refused +1 +a\.example:80 \(45\.79\.1\.10\) +- +policy$/,
    );
  });

  it("is told as far as it is known where the machine was gone too soon", () => {
    const { stats: _stats, ...rest } = report;
    const said = describeNetwork(rest).split("\n");
    expect(said[1]).toMatch(/^mode +user$/);
    expect(said[2]).toMatch(/^asked +3: 1 allowed, 1 refused, 1 failed$/);
    expect(said.join("\n")).not.toContain("connections");
  });

  it("does not say that nothing was refused where that is only too long ago", () => {
    const refused = (changes: Partial<NetworkReport>) =>
      describeNetwork({ ...report, ...changes }, true)
        .split("\n\n")
        .at(-1);
    expect(refused({})).toBe("What was refused is not among the latest entries; all are in network.jsonl.");
    expect(refused({ counts: { ...counts, refused: 0 } })).toBe("Nothing was refused.");
    expect(lines({}).at(-1)).toBe("There is nothing in its log yet.");
  });

  it("does to a terminal what is printed, and no more", () => {
    const said = lines({ entries: [{ ...entry, name: "a\u001b[2J.example", reason: "b\nc" }] }).at(-1);
    expect(said).toContain("a?[2J.example");
    expect(said).toContain("b?c");
  });
});
