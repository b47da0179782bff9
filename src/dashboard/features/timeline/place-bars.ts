/** Where the phases are between the begin of the first and the end of the last. Pure. */
import type { ApiPhase } from "../../../generated/api.ts";

/** Of 100. So small a bar is still seen. */
const MIN_WIDTH = 1.5;

/** @param nowMs End of what has not ended; 0: it has no length. */
export function placeBars(phases: readonly ApiPhase[], nowMs: number): { left: number; width: number }[] {
  const spans = phases.map(({ startedAt, durationMs }) => {
    const begin = Date.parse(startedAt);
    return { begin, end: durationMs === undefined ? Math.max(begin, nowMs) : begin + durationMs };
  });
  const first = Math.min(...spans.map(({ begin }) => begin));
  const length = Math.max(1, Math.max(...spans.map(({ end }) => end)) - first);
  return spans.map(({ begin, end }) => {
    const width = Math.max(MIN_WIDTH, ((end - begin) / length) * 100);
    return { left: Math.min(100 - width, ((begin - first) / length) * 100), width };
  });
}
