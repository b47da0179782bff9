import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { WaitingReaders } from "../../../src/log/waiting-readers.ts";

let readers: WaitingReaders;
let heard: string[];

/** So many that wait, and come back whenever they are told. */
function wait(count: number): void {
  for (let number = 0; number < count; number++) {
    const reader = {
      wake(position: number, bytes: Buffer) {
        heard.push(`${number}: ${position} ${bytes}`);
        readers.add(reader);
      },
    };
    readers.add(reader);
  }
}

const say = (position: number, text: string) => readers.tell(position, [Buffer.from(text)]);

const ticks = () => new Promise((resolve) => setImmediate(resolve));

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  readers = new WaitingReaders();
  heard = [];
});

afterEach(() => {
  vi.useRealTimers();
});

describe("readers that wait for more of a log", () => {
  it("are told at once, if they are few", async () => {
    wait(2);
    say(0, "one");
    await ticks();
    say(3, "two");
    await ticks();
    expect(heard).toEqual(["0: 0 one", "1: 0 one", "0: 3 two", "1: 3 two"]);
  });

  it("are told together of all that has come, if they are many", async () => {
    wait(100);
    say(0, "one ");
    say(4, "two ");
    await ticks();
    expect(heard).toEqual([]);
    vi.advanceTimersByTime(100);
    await ticks();
    expect(heard).toHaveLength(100);
    expect(heard[99]).toBe("99: 0 one two ");
  });

  it("are told where too much has come, and nothing of it", async () => {
    wait(100);
    say(0, "x".repeat(20_000));
    say(20_000, "x".repeat(20_000));
    vi.advanceTimersByTime(100);
    await ticks();
    expect(heard[0]).toBe("0: -1 ");
  });

  it("are told of the end at once, after what came before", async () => {
    wait(100);
    say(0, "last");
    readers.tellEnd();
    await ticks();
    expect(heard.slice(0, 100).every((text) => text.endsWith(": 0 last"))).toBe(true);
    expect(readers.size).toBe(100);
  });

  it("are not told when they do not wait any more", async () => {
    const reader = { wake: () => heard.push("woken") };
    readers.add(reader);
    readers.delete(reader);
    say(0, "one");
    await ticks();
    expect(heard).toEqual([]);
  });
});
