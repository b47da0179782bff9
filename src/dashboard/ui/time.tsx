/** Times that stay right. They change once a second at most, and only while the page is seen. */
import { now } from "../core/clock.ts";
import { formatDuration, formatRelative, formatSeconds } from "../core/format.ts";

/** `12 s ago`; the exact time is its title. */
export function RelativeTime({ at }: { at: string }) {
  return (
    <time dateTime={at} title={new Date(at).toLocaleString()}>
      {formatRelative(Date.parse(at), now.value)}
    </time>
  );
}

/** How long since then, or between two times. */
export function Elapsed({ since, until }: { since: string; until?: string | undefined }) {
  if (until !== undefined) return <span>{formatDuration(Date.parse(until) - Date.parse(since))}</span>;
  return <span>{formatSeconds(now.value - Date.parse(since))}</span>;
}

/** How long until then. */
export function Remaining({ until }: { until: string }) {
  return <span>{formatSeconds(Date.parse(until) - now.value)}</span>;
}
