import { describe, expect, it } from "vitest";
import { planCommit } from "../../../src/cache/commit-plan.ts";

const MIB = 1_048_576;
const SIZE = 1_024 * MIB;

function plan(layersMiB: readonly number[], overlayMiB: number): string {
  return planCommit({ sizeBytes: SIZE, layerBytes: layersMiB.map((mib) => mib * MIB), overlayBytes: overlayMiB * MIB });
}

describe("what a machine has written", () => {
  it("is one more layer, however much it is", () => {
    expect(plan([4], 900)).toBe("append");
    expect(plan([500, 1, 1, 1, 1, 1, 1], 1)).toBe("append");
  });

  it("takes in the other small ones, when there are many", () => {
    expect(plan([500, 1, 1, 1, 1, 1, 1, 1], 1)).toBe("merge");
  });

  it("becomes one with all, when there are many and they hold much", () => {
    expect(plan([4, 900, 1, 1, 1, 1, 1, 1], 1)).toBe("flatten");
  });

  it("becomes one with all, when together they take much more than the guest can have", () => {
    expect(plan([900], 700)).toBe("flatten");
  });
});
