/** The header `traceparent` of W3C Trace Context. Pure. */

export interface TraceParent {
  /** 32 hex digits. */
  readonly traceId: string;
  /** 16 hex digits. */
  readonly spanId: string;
  readonly sampled: boolean;
}

const PATTERN = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?<more>-.*)?$/;

/** Undefined for what is none; newer versions may say more. */
export function tryParseTraceParent(text: string): TraceParent | undefined {
  const match = PATTERN.exec(text);
  if (match === null || (text.startsWith("00") && match.groups?.["more"] !== undefined)) return undefined;
  const [, traceId = "", spanId = "", flags = ""] = match;
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

export function formatTraceParent({ traceId, spanId, sampled }: TraceParent): string {
  return `00-${traceId}-${spanId}-${sampled ? "01" : "00"}`;
}
