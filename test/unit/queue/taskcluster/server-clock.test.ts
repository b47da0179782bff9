import { afterEach, describe, expect, it, vi } from "vitest";
import { ServerClock } from "../../../../src/queue/taskcluster/server-clock.ts";

afterEach(() => void vi.useRealTimers());

describe("ServerClock", () => {
  it("counts what is left by the monotonic clock, whatever this host's clock does", () => {
    vi.useFakeTimers({ toFake: ["Date", "performance"] });
    const serverNow = new Date("2026-11-21T10:00:00Z");
    const end = new Date("2026-11-21T10:20:00Z");
    vi.setSystemTime(new Date("2026-11-21T13:00:00Z"));
    const clock = new ServerClock(serverNow);
    expect(clock.remainingMs(end)).toBe(1_200_000);
    expect(clock.toLocal(end)).toEqual(new Date("2026-11-21T13:20:00Z"));
    vi.advanceTimersByTime(60_000);
    expect(clock.remainingMs(end)).toBe(1_140_000);
    vi.setSystemTime(new Date("2020-01-01T00:00:00Z"));
    expect(clock.remainingMs(end)).toBe(1_140_000);
    expect(clock.toLocal(end)).toEqual(new Date("2020-01-01T00:19:00Z"));
  });

  it("knows that a moment has passed", () => {
    expect(new ServerClock(new Date(10_000)).remainingMs(new Date(9_000))).toBeLessThan(0);
  });
});
