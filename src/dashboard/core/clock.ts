/** What time it is, by the clock of the server: that of the browser may be wrong, and relative times with it. */
import { signal } from "@preact/signals";

const TICK_MS = 1_000;
/** The header has whole seconds, and travels. */
const TOLERANCE_MS = 2_000;

let offsetMs = 0;

/** Milliseconds since 1970, once a second, while the page is seen. */
export const now = signal(Date.now());

export function noteServerTime(date: string | null): void {
  const difference = Date.parse(date ?? "") - Date.now();
  if (Number.isNaN(difference)) return;
  offsetMs = Math.abs(difference) <= TOLERANCE_MS ? 0 : difference;
}

export function startClock(): void {
  const tick = () => {
    if (!document.hidden) now.value = Date.now() + offsetMs;
  };
  setInterval(tick, TICK_MS);
  document.addEventListener("visibilitychange", tick);
}
