/** `GET …/network`, as far as it is shown. Pure: whatever comes, this gives something. */

export interface NetworkEntry {
  readonly time: string;
  readonly kind: string;
  readonly decision: string;
  /** Name, addresses and port. */
  readonly target: string;
  readonly reason: string | undefined;
  readonly bytesOut: number | undefined;
  readonly bytesIn: number | undefined;
  readonly durationMs: number | undefined;
  /** Equal ones within a second. */
  readonly count: number;
}

export interface NetworkFacts {
  readonly policy: string | undefined;
  readonly mode: string | undefined;
  /** The oldest first. */
  readonly entries: readonly NetworkEntry[];
}

export function parseNetwork(data: unknown): NetworkFacts {
  const { policy, mode, entries } = recordOf(data);
  return {
    policy: policy === undefined ? undefined : typeof policy === "string" ? policy : JSON.stringify(policy),
    mode: textOf(mode),
    entries: Array.isArray(entries) ? entries.map(parseEntry) : [],
  };
}

function parseEntry(data: unknown): NetworkEntry {
  const { time, kind, decision, name, addresses, port, reason, bytesOut, bytesIn, durationMs, count } = recordOf(data);
  const hosts = Array.isArray(addresses) ? addresses.map(String) : [];
  const shown = textOf(name) ?? hosts.join(", ");
  return {
    time: textOf(time) ?? "",
    kind: textOf(kind) ?? "",
    decision: textOf(decision) ?? "",
    target: numberOf(port) === undefined ? shown : `${shown}:${port}`,
    reason: textOf(reason),
    bytesOut: numberOf(bytesOut),
    bytesIn: numberOf(bytesIn),
    durationMs: numberOf(durationMs),
    count: numberOf(count) ?? 1,
  };
}

function recordOf(data: unknown): Record<string, unknown> {
  return typeof data === "object" && data !== null ? (data as Record<string, unknown>) : {};
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function numberOf(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}
