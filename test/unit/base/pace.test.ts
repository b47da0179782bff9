import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PaceMeter } from "../../../src/base/pace.ts";

describe("the pace of long work", () => {
  it("is not known at the beginning", () => {
    const pace = new PaceMeter().read({ doneBytes: 10, totalBytes: 100 }, 5_000);
    expect(pace).toMatchObject({ bytesPerSecond: undefined, percent: 10, remainingMs: undefined });
  });

  it("tells rate, part and what is left", () => {
    const meter = new PaceMeter();
    meter.read({ doneBytes: 0, totalBytes: 1_000 }, 0);
    const pace = meter.read({ doneBytes: 250, totalBytes: 1_000 }, 500);
    expect(pace).toMatchObject({ bytesPerSecond: 500, percent: 25, remainingMs: 1_500 });
  });

  it("follows what changed in the last seconds", () => {
    const meter = new PaceMeter();
    for (let second = 0; second <= 60; second++)
      meter.read({ doneBytes: second * 1_000, totalBytes: undefined }, second * 1_000);
    let pace = meter.read({ doneBytes: 60_000, totalBytes: undefined }, 60_000);
    expect(pace.bytesPerSecond).toBeCloseTo(1_000);
    for (let second = 61; second <= 80; second++)
      pace = meter.read({ doneBytes: 60_000, totalBytes: undefined }, second * 1_000);
    expect(pace).toMatchObject({ bytesPerSecond: 0, percent: undefined, remainingMs: undefined });
  });

  it("begins to measure anew when there are fewer bytes than before", () => {
    const meter = new PaceMeter();
    meter.read({ doneBytes: 0, totalBytes: 100 }, 0);
    meter.read({ doneBytes: 90, totalBytes: 100 }, 1_000);
    expect(meter.read({ doneBytes: 5, totalBytes: 100 }, 2_000).bytesPerSecond).toBeUndefined();
    expect(meter.read({ doneBytes: 15, totalBytes: 100 }, 3_000).bytesPerSecond).toBe(10);
  });

  it("never tells a negative rate, nor a part beyond the whole", () => {
    const steps = fc.array(fc.record({ ms: fc.nat(5_000), doneBytes: fc.nat(10_000) }), { maxLength: 50 });
    fc.assert(
      fc.property(steps, fc.option(fc.nat(10_000), { nil: undefined }), (each, totalBytes) => {
        const meter = new PaceMeter();
        let now = 0;
        for (const { ms, doneBytes } of each) {
          now += ms;
          const { bytesPerSecond = 0, percent = 0, remainingMs = 0 } = meter.read({ doneBytes, totalBytes }, now);
          expect(bytesPerSecond).toBeGreaterThanOrEqual(0);
          expect(remainingMs).toBeGreaterThanOrEqual(0);
          expect(percent).toBeGreaterThanOrEqual(0);
          expect(percent).toBeLessThanOrEqual(100);
        }
      }),
    );
  });
});
