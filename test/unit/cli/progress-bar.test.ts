import { describe, expect, it } from "vitest";
import { drawBar, ProgressBar } from "../../../src/cli/progress-bar.ts";

const ERASE = "\r\u001b[K";

function terminal(facts: { isTTY?: boolean; columns?: number } = {}) {
  const written: string[] = [];
  const write = (text: string | Uint8Array, done?: (error?: Error | null) => void) => {
    written.push(Buffer.from(text).toString());
    done?.();
    return true;
  };
  let nowMs = 0;
  const bar = new ProgressBar({ ...facts, write }, () => nowMs);
  const pass = (ms: number) => {
    nowMs += ms;
  };
  return { bar, written, pass };
}

describe("on a terminal", () => {
  it("draws one line over and over, ten times a second at most, and takes it away at the end", () => {
    const { bar, written, pass } = terminal({ isTTY: true, columns: 100 });
    bar.show("unpacking the image", { doneBytes: 0, totalBytes: 4_096 });
    pass(50);
    bar.show("unpacking the image", { doneBytes: 512, totalBytes: 4_096 });
    pass(950);
    bar.show("unpacking the image", { doneBytes: 1_024, totalBytes: 4_096 });
    bar[Symbol.dispose]();
    bar.show("unpacking the image", { doneBytes: 4_096, totalBytes: 4_096 });
    expect(written).toEqual([
      `${ERASE}unpacking the image [........................] 0 B of 4.0 KiB (0 %)`,
      `${ERASE}unpacking the image [######..................] 1.0 KiB of 4.0 KiB (25 %), 1.0 KiB/s, 3.0 s left`,
      ERASE,
    ]);
  });

  it("makes room for lines that stay", async () => {
    const { bar, written } = terminal({ isTTY: true });
    bar.show("packing", { doneBytes: 1, totalBytes: undefined });
    bar.say("a line\u001b[2J");
    bar.show("unpacking", { doneBytes: 2, totalBytes: undefined });
    await new Promise<void>((resolve) => bar.output.write("what others write\n", () => resolve()));
    bar.output.write("and more\n");
    expect(written).toEqual([
      `${ERASE}packing 1 B`,
      ...[ERASE, "a line?[2J\n"],
      `${ERASE}unpacking 2 B`,
      ...[ERASE, "what others write\n", "and more\n"],
    ]);
  });

  it("never fills a whole line", () => {
    const pace = { doneBytes: 1, totalBytes: 2, bytesPerSecond: 1, percent: 50, remainingMs: 1_000 };
    for (let columns = 0; columns < 120; columns++) {
      expect(drawBar("packing the image", pace, columns).length).toBeLessThanOrEqual(Math.max(0, columns - 1));
    }
  });
});

describe("where there is no terminal", () => {
  it("a line comes every 5 s, and none for what is quick", () => {
    const { bar, written, pass } = terminal();
    bar.show("packing the image", { doneBytes: 1_024, totalBytes: 10_240 });
    pass(4_000);
    bar.show("packing the image", { doneBytes: 5_120, totalBytes: 10_240 });
    expect(written).toEqual([]);
    pass(1_000);
    bar.show("packing the image", { doneBytes: 6_144, totalBytes: 10_240 });
    bar[Symbol.dispose]();
    expect(written).toEqual(["packing the image: 6.0 KiB of 10.0 KiB (60 %), 1.0 KiB/s, 4.0 s left\n"]);
  });
});
