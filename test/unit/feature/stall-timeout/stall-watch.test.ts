import { describe, expect, it } from "vitest";
import { stopOf } from "../../../../src/feature/stall-timeout/feature.ts";
import {
  type ActivitySample,
  lookInterval,
  type StallClock,
  watchForStall,
} from "../../../../src/feature/stall-timeout/stall-watch.ts";

/** Its time passes when somebody waits. */
class FakeClock implements StallClock {
  ms = 0;
  readonly waits: number[] = [];
  /** Added to each wait: what a busy or suspended process sleeps too long. */
  lateMs = 0;

  now(): number {
    return this.ms;
  }

  date(): Date {
    return new Date(Date.UTC(2026, 0, 1) + this.ms);
  }

  async wait(ms: number): Promise<void> {
    this.waits.push(ms);
    this.ms += ms + this.lateMs;
  }
}

interface Script {
  limitMs: number;
  clock?: FakeClock;
  /** What a machine has done after so many ms. */
  at: (ms: number) => Partial<ActivitySample>;
  /** The command ends by itself. */
  endsAtMs?: number;
}

function watch({ limitMs, clock = new FakeClock(), at, endsAtMs = 3_600_000 }: Script) {
  const over = new AbortController();
  const look = async () => {
    if (clock.ms >= endsAtMs) over.abort();
    return { outputBytes: 0, diskOperations: 0, ...at(clock.ms) };
  };
  return watchForStall({ limitMs, look, clock, over: over.signal });
}

describe("watching for a stall", () => {
  it("says since when there was nothing", async () => {
    const stall = await watch({ limitMs: 10_000, at: (ms) => ({ outputBytes: Math.min(ms, 25_000) }) });
    expect(stall).toEqual({ idleMs: 10_000, since: new Date("2026-01-01T00:00:25Z") });
  });

  it("counts a disk that is used as activity", async () => {
    const stall = await watch({
      limitMs: 10_000,
      at: (ms) => ({ diskOperations: Math.floor(ms / 9_000) }),
      endsAtMs: 600_000,
    });
    expect(stall).toBeUndefined();
  });

  it("counts from the beginning where there never was anything", async () => {
    expect(await watch({ limitMs: 60_000, at: () => ({}) })).toEqual({
      idleMs: 60_000,
      since: new Date("2026-01-01T00:00:00Z"),
    });
  });

  it("ends with the command", async () => {
    expect(await watch({ limitMs: 10_000, at: () => ({}), endsAtMs: 5_000 })).toBeUndefined();
  });

  it("looks ten times per limit, but neither all the time nor hardly ever", async () => {
    const clock = new FakeClock();
    await watch({ limitMs: 10_000, clock, at: () => ({}) });
    expect(clock.waits).toEqual(Array(10).fill(1_000));
    expect([1_000, 600_000, 86_400_000].map(lookInterval)).toEqual([100, 30_000, 30_000]);
  });

  it("does not hold the time against a machine when this process was suspended", async () => {
    const clock = new FakeClock();
    clock.lateMs = 3_600_000;
    const looks: number[] = [];
    const at = (ms: number) => {
      looks.push(ms);
      return {};
    };
    const stall = await watch({ limitMs: 10_000, clock, at, endsAtMs: Infinity });
    // Each look accounts for 2 s at most.
    expect(looks).toHaveLength(6);
    expect(stall?.idleMs).toBe(10_000);
  });
});

it("tells what the limit was about and since when", () => {
  const stop = stopOf({ idleMs: 90_000, since: new Date("2026-01-01T10:11:12.345Z") });
  expect(stop).toEqual({
    reason: "stalled",
    message:
      "the task was ended because it stalled: no output and no disk activity for 1 min 30 s, since 2026-01-01T10:11:12Z",
  });
});
