import { describe, expect, it } from "vitest";
import { planPool } from "../../../src/sandbox/pool-plan.ts";

const MEMORY: Record<string, number> = { a: 1_024, b: 2_048, c: 512 };

/** Each letter is a task that needed the machine of this name. */
function plan(uses: string, machines: number, memory = 1_000_000): Record<string, number> {
  const demands = [...uses].map((key) => ({ key, memory: MEMORY[key] as number }));
  return Object.fromEntries(planPool(demands, { machines, memory }));
}

describe("the plan of a pool", () => {
  it.each<[string, number, Record<string, number>]>([
    ["", 4, {}],
    ["a", 0, {}],
    ["a", 3, { a: 3 }],
    ["ab", 2, { a: 1, b: 1 }],
    ["aaab", 4, { a: 3, b: 1 }],
    ["aaaaaaab", 2, { a: 2 }],
    ["abc", 2, { a: 1, b: 1 }],
  ])("of %j with %i machines", (uses, machines, expected) => {
    expect(plan(uses, machines)).toEqual(expected);
  });

  it("keeps to the memory there is, with smaller machines where larger ones do not fit", () => {
    expect(plan("bbbc", 4, 3_000)).toEqual({ b: 1, c: 1 });
    expect(plan("b", 4, 2_000)).toEqual({});
  });

  it("takes nothing from a key when it may keep more", () => {
    for (let machines = 1; machines < 12; machines++) {
      const [fewer, more] = [plan("aaabbc", machines), plan("aaabbc", machines + 1)];
      for (const key of "abc") expect(more[key] ?? 0).toBeGreaterThanOrEqual(fewer[key] ?? 0);
    }
  });
});
