/** Quantities as people write them. */

const UNIT_MS: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

const DURATION_PART = /[\s,]*(\d+(?:\.\d+)?)\s*(seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h|days?|d)(?![a-z])/giy;

/**
 * Milliseconds of a duration: a number of seconds, or text such as
 * "10 minutes" or "1 day 2 hours". Undefined if it is neither, or not positive.
 */
export function tryParseDuration(value: number | string): number | undefined {
  if (typeof value === "number") return value > 0 ? Math.round(value * 1_000) : undefined;
  let total = 0;
  let end = 0;
  const text = value.trim();
  for (const match of text.matchAll(DURATION_PART)) {
    const unit = UNIT_MS[(match[2] as string).charAt(0).toLowerCase()] as number;
    total += Number(match[1]) * unit;
    end = match.index + match[0].length;
  }
  if (end !== text.length || total <= 0) return undefined;
  return Math.round(total);
}

/** 1234 → "1.2 s", 90000 → "1 min 30 s". */
export function formatDuration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  const parts = [
    [Math.floor(seconds / 86_400), "d"],
    [Math.floor(seconds / 3_600) % 24, "h"],
    [Math.floor(seconds / 60) % 60, "min"],
    [seconds % 60, "s"],
  ] as const;
  return parts
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(" ");
}

/** 1536 → "1.5 KiB". */
export function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1_024 && unit < units.length - 1) {
    value /= 1_024;
    unit++;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}
