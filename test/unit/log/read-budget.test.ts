import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ReadBudget } from "../../../src/log/read-budget.ts";

let budget: ReadBudget;
let served: string[];
let bytesPerSecond: number;

const take = (name: string, bytes: number) => budget.take(bytes, () => served.push(name));

beforeEach(() => {
  vi.useFakeTimers();
  served = [];
  bytesPerSecond = 1_000;
  budget = new ReadBudget(() => bytesPerSecond, 500);
});

afterEach(() => {
  budget[Symbol.dispose]();
  vi.useRealTimers();
});

describe("what readers of a log have together", () => {
  it("is theirs at once while there is some", () => {
    take("a", 300);
    take("b", 300);
    expect(served).toEqual(["a", "b"]);
  });

  it("is given in the order in which they ask, as it comes", () => {
    for (const name of ["a", "b", "c", "d"]) take(name, 500);
    expect(served).toEqual(["a"]);
    vi.advanceTimersByTime(10);
    expect(served).toEqual(["a", "b"]);
    vi.advanceTimersByTime(500);
    expect(served).toEqual(["a", "b", "c"]);
    take("e", 1);
    expect(served).toEqual(["a", "b", "c"]);
    vi.advanceTimersByTime(1_000);
    expect(served).toEqual(["a", "b", "c", "d", "e"]);
  });

  it("comes faster when there is more", () => {
    for (const name of ["a", "b"]) take(name, 1_500);
    bytesPerSecond = 10_000;
    vi.advanceTimersByTime(1_001);
    take("c", 1);
    expect(served).toEqual(["a", "b"]);
    vi.advanceTimersByTime(150);
    expect(served).toEqual(["a", "b", "c"]);
  });

  it("is no more than a burst after a long while", () => {
    vi.advanceTimersByTime(3_600_000);
    for (const name of ["a", "b", "c"]) take(name, 400);
    expect(served).toEqual(["a", "b"]);
  });

  it("is without end when the log is not written any more", () => {
    for (const name of ["a", "b", "c"]) take(name, 10_000);
    budget[Symbol.dispose]();
    take("d", 10_000);
    expect(served).toEqual(["a", "b", "c", "d"]);
  });
});
