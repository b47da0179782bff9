/** What a run has asked of its network, as people read it. Pure. */
import { formatBytes, formatDuration } from "../../base/units.ts";
import { describePolicy } from "../../feature/network/describe-policy.ts";
import { conspicuous } from "../../feature/network/egress-summary.ts";
import type { NetworkReport } from "../../feature/network/report.ts";
import type { LoggedEntry } from "../../network/egress/egress-entry.ts";
import type { NetworkStats } from "../../network/guest-network.ts";
import { table } from "../table.ts";

/** @param onlyRefused Its entries have been chosen so. */
export function describeNetwork(report: NetworkReport, onlyRefused = false): string {
  const entries = report.entries.length === 0 ? describeNone(report, onlyRefused) : describeEntries(report.entries);
  return [...describeFacts(report), entries].join("\n\n");
}

function describeFacts({ mode, policy, counts, stats, live }: NetworkReport): string[] {
  if (policy === undefined || counts === undefined) return [];
  const left = counts.leftOut === 0 ? "" : `; ${counts.leftOut} are in no log, because there were too many`;
  const rows = [
    ["policy", describePolicy(policy)],
    ["mode", mode ?? "-"],
    ["asked", `${counts.asked}: ${counts.allowed} allowed, ${counts.refused} refused, ${counts.failed} failed${left}`],
    ...(stats === undefined ? [] : describeStats(stats, live)),
  ];
  return [table(rows)];
}

function describeStats(stats: NetworkStats, live: boolean): string[][] {
  const dropped = conspicuous(stats.dropped).map(([reason, count]) => `${count} ${reason}`);
  return [
    ["connections", `${stats.connectionsOpened}${live ? `, of which ${stats.connections} are open` : ""}`],
    ["from the guest", `${formatBytes(stats.bytesFromGuest)} in ${stats.framesFromGuest} packets`],
    ["to the guest", `${formatBytes(stats.bytesToGuest)} in ${stats.framesToGuest} packets`],
    ...(dropped.length === 0 ? [] : [["dropped", dropped.join(", ")]]),
  ];
}

function describeNone({ counts }: NetworkReport, onlyRefused: boolean): string {
  if (!onlyRefused) return "There is nothing in its log yet.";
  if (counts?.refused === 0) return "Nothing was refused.";
  return "What was refused is not among the latest entries; all are in network.jsonl.";
}

function describeEntries(entries: readonly LoggedEntry[]): string {
  const rows = entries.map((entry) => {
    const { time, kind, decision, count = 1, reason = "" } = entry;
    return [time.slice(0, 19), kind, decision, String(count), whereTo(entry), trafficOf(entry), printable(reason)];
  });
  return table([["TIME", "KIND", "DECISION", "TIMES", "WHERE", "OUT / IN", ""], ...rows]);
}

function whereTo({ name, addresses = [], port }: LoggedEntry): string {
  const host = printable(name ?? addresses[0] ?? "-");
  const address = name === undefined || addresses[0] === undefined ? "" : ` (${addresses[0]})`;
  return `${host}${port === undefined ? "" : `:${port}`}${address}`;
}

function trafficOf({ bytesIn, bytesOut, durationMs }: LoggedEntry): string {
  if (bytesIn === undefined && bytesOut === undefined) return "-";
  const time = durationMs === undefined ? "" : ` in ${formatDuration(durationMs)}`;
  return `${formatBytes(bytesOut ?? 0)} / ${formatBytes(bytesIn ?? 0)}${time}`;
}

/** A guest asks for whatever it likes, and a terminal heeds much. */
function printable(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, "?");
}
