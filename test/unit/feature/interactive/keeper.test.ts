import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Keeper } from "../../../../src/feature/interactive/keeper.ts";

const MINUTE = 60_000;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: 0 });
});

afterEach(() => {
  vi.useRealTimers();
});

function minute(minutes: number): Date {
  return new Date(minutes * MINUTE);
}

/** A command that ends after a minute, and what is told of the machine. */
function end(keeper: Keeper, signal = new AbortController().signal): { told: Date[]; over: Promise<void> } {
  vi.setSystemTime(MINUTE);
  const told: Date[] = [];
  return { told, over: keeper.wait(signal, (until) => told.push(until)) };
}

describe("a machine whose command has ended", () => {
  const limits = { keepAfterMs: 10 * MINUTE, maxKeepAfterMs: 60 * MINUTE };

  it("stays as long as its task says, until it is released", async () => {
    const keeper = new Keeper(limits);
    expect(keeper.keptUntil).toBeUndefined();
    const { told, over } = end(keeper);
    expect(keeper.keptUntil).toEqual(minute(11));
    keeper.release();
    await over;
    expect(told).toEqual([minute(11)]);
    expect(keeper.keptUntil).toBeUndefined();
  });

  it("does not stay where that was said before, or the task does not want it", async () => {
    const released = new Keeper(limits);
    released.release();
    for (const keeper of [released, new Keeper({ ...limits, keepAfterMs: 0 })]) {
      const { told, over } = end(keeper);
      await over;
      expect(told).toEqual([]);
    }
  });

  it("stays longer, or less long, for who says so, and never longer than the worker allows", async () => {
    const keeper = new Keeper(limits);
    const { told, over } = end(keeper);
    vi.setSystemTime(5 * MINUTE);
    keeper.keep(30 * MINUTE);
    expect(keeper.keptUntil).toEqual(minute(35));
    keeper.keep(1 * MINUTE);
    expect(keeper.keptUntil).toEqual(minute(6));
    keeper.keep(1_000 * MINUTE);
    expect(keeper.keptUntil).toEqual(minute(61));
    keeper.release();
    await over;
    expect(told[0]).toEqual(minute(11));
  });

  it("stays as long after the command as was said while that ran", async () => {
    const keeper = new Keeper(limits);
    keeper.keep(20 * MINUTE);
    expect(keeper.keptUntil).toBeUndefined();
    const { over } = end(keeper);
    expect(keeper.keptUntil).toEqual(minute(21));
    keeper.release();
    await over;
  });

  it("is gone before the queue gives up on its run", async () => {
    const keeper = new Keeper({ ...limits, deadline: minute(8) });
    const { over } = end(keeper);
    expect(keeper.keptUntil).toEqual(minute(7));
    keeper.release();
    await over;
  });

  it("is gone at once when nobody waits for its run", async () => {
    const canceled = new AbortController();
    const keeper = new Keeper(limits);
    const { over } = end(keeper, canceled.signal);
    canceled.abort();
    await over;
    expect(keeper.keptUntil).toBeUndefined();
  });

  it("is gone when its time is over", async () => {
    vi.useRealTimers();
    const keeper = new Keeper({ keepAfterMs: 5, maxKeepAfterMs: 10 });
    await keeper.wait(new AbortController().signal, () => {});
    expect(keeper.keptUntil).toBeUndefined();
  });
});
