/** Progress of long work, as lines that are few enough for a log. */
import { type Pace, PaceMeter, type Progress } from "../base/pace.ts";
import { formatBytes, formatDuration } from "../base/units.ts";

const EVERY_MS = 5_000;

/**
 * At most one line every 5 s; short work says nothing.
 *
 * @param what What is done to what, as the line begins.
 */
export function throttledProgress(
  say: (text: string) => void,
  what = "unpacking the image",
  now: () => number = () => performance.now(),
): (progress: Progress) => void {
  const meter = new PaceMeter();
  let last = now();
  return (progress) => {
    const pace = meter.read(progress, now());
    if (now() - last < EVERY_MS) return;
    last = now();
    say(`${what}: ${describePace(pace)}`);
  };
}

/** For who asks now and then: what is returned says how far it was when it was last told. */
export function progressDescriber(
  what = "unpacking the image",
  now: () => number = () => performance.now(),
): (progress: Progress) => () => string {
  const meter = new PaceMeter();
  return (progress) => {
    const pace = meter.read(progress, now());
    return () => `${what}: ${describePace(pace)}`;
  };
}

/** "12 MiB of 100 MiB (12 %), 5.0 MiB/s, 18 s left", as far as it is known. */
export function describePace({ doneBytes, totalBytes, bytesPerSecond, percent, remainingMs }: Pace): string {
  const done =
    totalBytes === undefined ? formatBytes(doneBytes) : `${formatBytes(doneBytes)} of ${formatBytes(totalBytes)}`;
  return [
    percent === undefined ? done : `${done} (${Math.floor(percent)} %)`,
    ...(bytesPerSecond === undefined ? [] : [`${formatBytes(bytesPerSecond)}/s`]),
    ...(remainingMs === undefined ? [] : [`${formatDuration(Math.ceil(remainingMs / 1_000) * 1_000)} left`]),
  ].join(", ");
}
