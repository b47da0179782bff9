import { describe, expect, it, vi } from "vitest";
import type { ActiveFeature, RunContext, TaskMachine } from "../../../src/feature/feature.ts";
import { ActiveFeatures } from "../../../src/worker/active-features.ts";

const machine = {} as TaskMachine;
const forever = () => new Promise<never>(() => {});

function open(active: readonly ActiveFeature[], { stageMs, notes = [] }: { stageMs?: number; notes?: string[] } = {}) {
  const { signal } = new AbortController();
  const run = { signal, note: (text: string) => void notes.push(text) } as unknown as RunContext;
  const features = active.map((each, index) => ({ name: String(index), begin: () => each }));
  return new ActiveFeatures(features, run, stageMs);
}

describe("the features of a run", () => {
  it.each(["furnish", "collect"] as const)("may not wait for a guest for ever: %s", async (stage) => {
    await using features = open([{ [stage]: forever }], { stageMs: 5 });
    const done =
      stage === "furnish" ? features.furnish(machine) : features.collect(machine, () => ({ state: "completed" }));
    await expect(done).rejects.toMatchObject({ code: "guest-not-answering", message: expect.stringContaining("5 ms") });
  });

  it("hear of what those before them have found wrong", async () => {
    const seen: string[] = [];
    const second: ActiveFeature = {
      collect: async (_machine, { state }) => {
        seen.push(state);
        return [];
      },
    };
    await using features = open([{ collect: async () => ["a file is missing"] }, second]);
    const judge = (problems: readonly string[]) => ({ state: problems.length === 0 ? "completed" : "failed" }) as const;
    await expect(features.collect(machine, judge)).resolves.toEqual({ state: "failed" });
    expect(seen).toEqual(["failed"]);
  });

  it("end a command at the first that wants it, and all know that it is over", async () => {
    const stop = { reason: "stalled", message: "it does nothing" } as const;
    const over: boolean[] = [];
    const waiting: ActiveFeature = {
      watch: async (_machine, signal) => {
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
        over.push(signal.aborted);
        return undefined;
      },
    };
    await using features = open([waiting, { watch: async () => stop }]);
    await expect(features.watch(machine, forever())).resolves.toEqual({ stop });
    expect(over).toEqual([true]);
  });

  it("may keep the machine as long as they like, and one that fails keeps it no longer", async () => {
    const notes: string[] = [];
    const kept = Promise.withResolvers<void>();
    await using features = open([{ keep: () => kept.promise }, { keep: () => Promise.reject(new Error("no")) }], {
      ...{ stageMs: 1, notes },
    });
    vi.useFakeTimers();
    let isOver = false;
    const over = features.keep(machine).finally(() => {
      isOver = true;
    });
    await vi.advanceTimersByTimeAsync(24 * 3_600_000);
    vi.useRealTimers();
    expect(isOver).toBe(false);
    kept.resolve();
    await over;
    expect([features.keeps, notes]).toEqual([true, ["warning: no"]]);
    await using others = open([{ finish: async () => {} }]);
    expect(others.keeps).toBe(false);
  });

  it("are all finished although one of them fails, which is noted", async () => {
    const notes: string[] = [];
    let finished = 0;
    const failing: ActiveFeature = { finish: () => Promise.reject(new Error("no space left")) };
    const other: ActiveFeature = {
      finish: async () => {
        finished++;
      },
    };
    await using features = open([failing, other], { notes });
    await features.finish({ state: "completed" });
    expect([finished, notes]).toEqual([1, ["warning: no space left"]]);
  });

  it("are disposed in the reverse order, also those after one that fails", async () => {
    const disposed: number[] = [];
    const feature = (index: number): ActiveFeature => ({
      [Symbol.asyncDispose]: async () => {
        disposed.push(index);
        if (index === 1) throw new Error("it hangs");
      },
    });
    const features = open([feature(0), feature(1), feature(2)]);
    await expect(features[Symbol.asyncDispose]()).rejects.toThrow("it hangs");
    expect(disposed).toEqual([2, 1, 0]);
  });
});
