import { describe, expect, it } from "vitest";
import { type Frame, intervalAfter, Series, timeAsName, videoFrames } from "../../../../src/feature/screens/series.ts";

const DAY_MS = 86_400_000;

function frame(name: string, sizeBytes = 10): Frame {
  return { file: name, width: 720, height: 400, sizeBytes };
}

const [a, b] = [frame("a"), frame("b")];

/** The time of the last shot of a series that is always served in time. */
function lengthOf(everyMs: number): number {
  const series = new Series(everyMs);
  while (!series.full) series.add({ atMs: series.nextMs, frame: a });
  return series.shots.at(-1)?.atMs ?? 0;
}

describe("a series of pictures", () => {
  it("is even at first, and slower and slower after 500", () => {
    expect([1, 500, 501, 550, 551, 600].map((count) => intervalAfter(count, 1_000))).toEqual([
      ...[1_000, 1_000, 2_000, 2_000, 4_000, 4_000],
    ]);
  });

  it("reaches over a day with one a second, and ends at 1,000", () => {
    expect(lengthOf(1_000)).toBeGreaterThan(DAY_MS);
    const series = new Series(1_000);
    for (let count = 0; count < 1_000; count++) {
      expect(series.full).toBe(false);
      series.add({ atMs: count, frame: a });
    }
    expect(series.full).toBe(true);
    expect(series.nextMs).toBe(Number.POSITIVE_INFINITY);
  });

  it("ends when its pictures need too much room; one that stands is counted once", () => {
    const series = new Series(1_000, { maxShots: 100, maxBytes: 30 });
    for (const shown of [a, a, a, b, b]) series.add({ atMs: 0, frame: shown });
    expect(series.full).toBe(false);
    series.add({ atMs: 0, frame: a });
    expect(series.full).toBe(true);
  });

  it("wants its first at once, and the next an interval later", () => {
    const series = new Series(5_000);
    expect(series.nextMs).toBe(0);
    series.add({ atMs: 1_700_000_000_000, frame: a });
    expect(series.nextMs).toBe(1_700_000_005_000);
  });
});

describe("the frames of a video", () => {
  const delays = (shots: readonly (readonly [number, Frame])[], endMs: number) =>
    videoFrames(
      shots.map(([atMs, shown]) => ({ atMs, frame: shown })),
      endMs,
    ).map(({ file, delayMs }) => [file, delayMs]);

  it("are the changes of the screen, for as long as it stood", () => {
    const shots = [[0, a] as const, [1_000, a] as const, [2_000, b] as const, [3_000, a] as const];
    expect(delays(shots, 5_500)).toEqual([
      ["a", 2_000],
      ["b", 1_000],
      ["a", 2_500],
    ]);
  });

  it("last a minute where the run was longer", () => {
    const shots = [[0, a] as const, [1_200_000, b] as const];
    expect(delays(shots, 3_600_000)).toEqual([
      ["a", 20_000],
      ["b", 40_000],
    ]);
  });

  it("are never too short to be seen", () => {
    expect(delays([[0, a] as const, [1, b] as const], 2)).toEqual([
      ["a", 20],
      ["b", 1_000],
    ]);
    expect(delays([], 5)).toEqual([]);
  });
});

it("makes names of times that any system takes", () => {
  expect(timeAsName(Date.UTC(2026, 10, 21, 8, 24, 5, 123) + 0.4)).toBe("2026-11-21T08-24-05.123Z");
});
