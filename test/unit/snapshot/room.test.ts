import { describe, expect, it } from "vitest";
import { planRoom, type RoomLimits } from "../../../src/snapshot/room.ts";
import { saved } from "./saved.ts";

const NOW = new Date("2026-11-21T12:00:00Z");

function plan(there: ReturnType<typeof saved>[], limits: RoomLimits, newBytes = 10, inUse: string[] = []) {
  return planRoom({ there, inUse: new Set(inUse), newBytes, now: NOW }, limits).map(({ id }) => id);
}

describe("room for another snapshot", () => {
  const [a, b, c] = [saved("a", { hour: 1 }), saved("b", { hour: 2 }), saved("c", { hour: 3 })];

  it("needs nobody to go while there is some", () => {
    expect(plan([a, b, c], { maxCount: 4, maxBytes: 40, whenFull: "drop-oldest" })).toEqual([]);
    expect(plan([a, b, c], { whenFull: "refuse" })).toEqual([]);
  });

  it("is made by the oldest that nobody uses", () => {
    expect(plan([c, a, b], { maxCount: 3, whenFull: "drop-oldest" })).toEqual(["a"]);
    expect(plan([c, a, b], { maxBytes: 20, whenFull: "drop-oldest" })).toEqual(["a", "b"]);
    expect(plan([c, a, b], { maxCount: 3, whenFull: "drop-oldest" }, 10, ["a"])).toEqual(["b"]);
  });

  it("is made by what has expired first, which goes even where nothing else may", () => {
    const expired = saved("d", { hour: 4, expires: new Date("2026-11-21T11:00:00Z") });
    expect(plan([a, expired], { maxCount: 2, whenFull: "drop-oldest" })).toEqual(["d"]);
    expect(plan([a, expired], { maxCount: 2, whenFull: "refuse" })).toEqual(["d"]);
  });

  it("is refused where nothing can go, with what there is", () => {
    for (const limits of [{ maxCount: 3 }, { maxBytes: 39 }]) {
      expect(() => plan([a, b, c], { ...limits, whenFull: "refuse" })).toThrow(/3 are kept/);
    }
    expect(() => plan([a], { maxBytes: 5, whenFull: "drop-oldest" })).toThrow(/5 B are allowed/);
    expect(() => plan([a], { maxCount: 1, whenFull: "drop-oldest" }, 1, ["a"])).toThrow(/1 of them/);
  });
});
