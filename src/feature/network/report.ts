/** What is known of the network of a run, for programs: while it runs, and later out of what was kept. */
import type { FeatureNetwork } from "../../generated/feature-network.ts";
import type { LoggedEntry } from "../../network/egress/egress-entry.ts";
import type { EgressCounts } from "../../network/egress/egress-log.ts";
import type { NetworkMode, NetworkStats } from "../../network/guest-network.ts";

export interface NetworkSummary {
  readonly mode: NetworkMode;
  /** As the payload has it. */
  readonly policy: FeatureNetwork;
  readonly counts: EgressCounts;
  /** Undefined: the machine was gone before anybody asked. */
  readonly stats?: NetworkStats;
}

export interface NetworkReport extends Partial<NetworkSummary> {
  /** The machine is there, and more may come. */
  readonly live: boolean;
  /** The latest, oldest first. */
  readonly entries: readonly LoggedEntry[];
}

export interface NetworkReportSource {
  report(): Promise<NetworkReport>;
}

/** In the folder of the run. */
export const NETWORK_FILE = "network.jsonl";
/** Among its artifacts. */
export const NETWORK_ARTIFACT = "public/logs/network.jsonl";
export const NETWORK_CONTENT_TYPE = "application/jsonl";

/** The line after the entries. */
export function formatSummary(summary: NetworkSummary, now: Date): string {
  return `${JSON.stringify({ time: now.toISOString(), summary })}\n`;
}

const MAX_ENTRIES = 200;

/** The report that a log makes; lines that were cut off are left out. */
export function reportOf(log: string): NetworkReport {
  const lines = log.split("\n").flatMap(tryParseLine);
  const entries = lines.flatMap((line) => ("kind" in line ? [line as LoggedEntry] : []));
  const summary = lines.findLast((line) => "summary" in line);
  return {
    live: false,
    ...((summary as { summary: NetworkSummary } | undefined)?.summary ?? {}),
    entries: entries.slice(-MAX_ENTRIES),
  };
}

function tryParseLine(line: string): object[] {
  try {
    const data: unknown = JSON.parse(line);
    return typeof data === "object" && data !== null ? [data] : [];
  } catch {
    return [];
  }
}
