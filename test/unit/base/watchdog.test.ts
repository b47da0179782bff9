import { describe, expect, it } from "vitest";
import { Watchdog } from "../../../src/base/watchdog.ts";

/** A watchdog with a clock that only moves when it is told to, and what it logged. */
function watchdog() {
  let now = 0;
  const lines: string[] = [];
  const logger = { log: (level: string, message: string) => void lines.push(`${level}: ${message}`) };
  const dog = Watchdog.manual({ blockedAfterMs: 4_000, now: () => now, logger });
  /** Time passes as it does where nothing hangs: it ticks each second. */
  const pass = (ms: number) => {
    for (const end = now + ms; now < end; ) {
      now += 1_000;
      dog.tick();
    }
  };
  const block = (ms: number) => {
    now += ms;
  };
  return { dog, lines, pass, block };
}

describe("Watchdog", () => {
  it("is content with loops that beat, and with none", () => {
    const { dog, lines, pass } = watchdog();
    expect(dog.health()).toEqual({ healthy: true, stuck: [] });
    const loop = dog.watch("claim-loop", 10_000);
    for (let i = 0; i < 5; i++) {
      pass(10_000);
      loop.beat();
    }
    expect(dog.health().healthy).toBe(true);
    expect(lines).toEqual([]);
  });

  it("tells which loop makes no progress and since when, once, and that it goes on", () => {
    const { dog, lines, pass } = watchdog();
    const loop = dog.watch("claim-loop", 10_000);
    dog.watch("gc", 60_000);
    pass(13_000);
    expect(dog.health()).toEqual({ healthy: false, stuck: [{ name: "claim-loop", sinceMs: 13_000 }] });
    expect(lines).toEqual(["error: claim-loop has made no progress for 11.0 s"]);
    loop.beat();
    pass(1_000);
    expect(dog.health().healthy).toBe(true);
    expect(lines.at(-1)).toBe("info: claim-loop goes on");
  });

  it("forgets a loop that has ended", () => {
    const { dog, pass } = watchdog();
    const loop = dog.watch("claim-loop", 10_000);
    loop[Symbol.dispose]();
    pass(60_000);
    expect(dog.health().healthy).toBe(true);
  });

  it("says that the process was busy or suspended, and does not take that for a fault of the loops", () => {
    const { dog, lines, pass, block } = watchdog();
    dog.watch("claim-loop", 10_000);
    pass(5_000);
    block(3_600_000);
    expect(dog.health()).toEqual({ healthy: true, stuck: [], blocked: { lastedMs: 3_599_000, agoMs: 0 } });
    expect(lines).toEqual([expect.stringMatching(/^warn: for 59 min 59 s nothing ran here/)]);
    pass(3_000);
    expect(dog.health()).toMatchObject({ healthy: true, blocked: { agoMs: 3_000 } });
    pass(3_000);
    expect(dog.health()).toMatchObject({ healthy: false, stuck: [{ name: "claim-loop" }] });
  });

  it("does not call a tick that is a little late a block", () => {
    const { dog, lines, block } = watchdog();
    block(4_900);
    dog.tick();
    expect(lines).toEqual([]);
    expect(dog.health().blocked).toBeUndefined();
    block(5_000);
    dog.tick();
    expect(dog.health().blocked).toBeDefined();
  });

  it("ticks by itself, and notices when the process is really busy", async () => {
    const logged = Promise.withResolvers<string>();
    const logger = { log: (_level: string, message: string) => logged.resolve(message) };
    using _dog = Watchdog.start({ blockedAfterMs: 20, logger });
    const end = performance.now() + 60;
    while (performance.now() < end);
    expect(await logged.promise).toContain("nothing ran here");
  });
});
