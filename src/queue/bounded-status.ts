/** What a worker says of itself, made short enough to be told every few seconds. Pure. */
import type { WorkerStatusDocument } from "./worker-directory.ts";

export const MAX_STATUS_BYTES = 256 * 1_024;

/**
 * As JSON. Of a list `running` that is too long the end is left out, and `omitted` says how many that were; of anything
 * else that is too long only the state is left.
 */
export function encodeStatus(status: WorkerStatusDocument, maxBytes = MAX_STATUS_BYTES): string {
  const whole = JSON.stringify(status);
  if (Buffer.byteLength(whole) <= maxBytes) return whole;
  const { running, ...rest } = status;
  const listed = Array.isArray(running) ? running : [];
  const omittedAll = { ...rest, running: [], omitted: listed.length };
  let leftBytes = maxBytes - Buffer.byteLength(JSON.stringify(omittedAll));
  if (leftBytes < 0) return JSON.stringify({ state: String(status.state).slice(0, 50), running: [], omitted: 0 });
  const kept: unknown[] = [];
  for (const task of listed) {
    leftBytes -= Buffer.byteLength(JSON.stringify(task)) + 1;
    if (leftBytes < 0) break;
    kept.push(task);
  }
  return JSON.stringify({ ...rest, running: kept, omitted: listed.length - kept.length });
}
