import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { extendRange, formatLineRange, parseLineRange } from "../../../../src/dashboard/features/log/line-range.ts";
import {
  contentHeight,
  type Geometry,
  lastTop,
  scrollFor,
  topAt,
  visibleLines,
} from "../../../../src/dashboard/features/log/log-geometry.ts";

const geometries = fc.record({
  lineCount: fc.integer({ min: 0, max: 3_000_000 }),
  viewportPx: fc.integer({ min: 100, max: 2_000 }),
  isWrapped: fc.boolean(),
});

describe("the scrollbar", () => {
  it("is never longer than a browser can draw, and its end shows the last line", () => {
    fc.assert(
      fc.property(geometries, (geometry) => {
        const height = contentHeight(geometry);
        expect(height).toBeLessThan(16_000_000);
        const top = topAt(height - geometry.viewportPx, geometry);
        expect(top).toBeCloseTo(lastTop(geometry), 3);
        const shown = geometry.isWrapped ? 1 : visibleLines(geometry);
        expect(top + shown).toBeGreaterThanOrEqual(Math.min(geometry.lineCount, shown) - 1e-3);
      }),
    );
  });

  it("leads to the line it was set for", () => {
    fc.assert(
      fc.property(geometries, fc.double({ min: 0, max: 1, noNaN: true }), (geometry: Geometry, part) => {
        const top = part * lastTop(geometry);
        expect(topAt(scrollFor(top, geometry), geometry)).toBeCloseTo(top, 3);
      }),
    );
  });
});

describe("lines in an address", () => {
  it.each([
    ["#L12", { from: 12, to: 12 }],
    ["#L12-L30", { from: 12, to: 30 }],
    ["#L30-12", { from: 12, to: 30 }],
    ["#L0", undefined],
    ["#main", undefined],
    ["", undefined],
  ])("%j", (hash, range) => {
    expect(parseLineRange(hash)).toEqual(range);
    if (range !== undefined) expect(parseLineRange(formatLineRange(range))).toEqual(range);
  });

  it("are extended to a line before or after", () => {
    expect(extendRange({ from: 5, to: 7 }, 9)).toEqual({ from: 5, to: 9 });
    expect(extendRange({ from: 5, to: 7 }, 2)).toEqual({ from: 2, to: 7 });
    expect(extendRange(undefined, 2)).toEqual({ from: 2, to: 2 });
  });
});
