import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { parseUpdateRequest, type UpdateRequest } from "../../../../src/rfb/update-request.ts";
import { UpdatePacer, updateIntervalMs } from "../../../../src/web/machines/update-pacer.ts";

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

const whole: UpdateRequest = { incremental: false, x: 0, y: 0, width: 640, height: 480 };
const news: UpdateRequest = { ...whole, incremental: true };

function open(intervalMs: () => number = () => 100) {
  const sent: UpdateRequest[] = [];
  const pacer = new UpdatePacer({ intervalMs, send: (message) => void sent.push(parseUpdateRequest(message)) });
  return { pacer, sent };
}

describe("the pace of updates", () => {
  it.each([
    [1, 20],
    [4, 20],
    [20, 4],
    [50, 1.6],
  ])("is, for each of %i viewers, %d a second", (viewers, perSecond) => {
    expect(1_000 / updateIntervalMs(viewers)).toBeCloseTo(perSecond);
  });

  it("lets the first request through at once, and later ones together, when it is time", () => {
    const { pacer, sent } = open();
    for (const request of [news, news, whole, news]) pacer.request(request);
    expect(sent).toEqual([news]);
    vi.advanceTimersByTime(99);
    expect(sent).toHaveLength(1);
    vi.advanceTimersByTime(1);
    expect(sent).toEqual([news, whole]);
    vi.advanceTimersByTime(1_000);
    expect(sent).toHaveLength(2);
    pacer.request(news);
    expect(sent).toHaveLength(3);
  });

  it("never is quicker than it should be, however often it is asked", () => {
    let intervalMs = 50;
    const { pacer, sent } = open(() => intervalMs);
    const ask = (ms: number) => {
      for (let at = 0; at < ms; at++) {
        pacer.request(news);
        vi.advanceTimersByTime(1);
      }
    };
    ask(1_000);
    expect(sent.length).toBeLessThanOrEqual(21);
    expect(sent.length).toBeGreaterThanOrEqual(19);
    sent.length = 0;
    // Others have come to look.
    intervalMs = 250;
    ask(1_000);
    expect(sent.length).toBeLessThanOrEqual(5);
  });

  it("says nothing any more when its viewer is gone", () => {
    const { pacer, sent } = open();
    pacer.request(news);
    pacer.request(news);
    pacer[Symbol.dispose]();
    vi.advanceTimersByTime(1_000);
    expect(sent).toHaveLength(1);
  });
});
