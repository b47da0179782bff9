import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { plainText, readLine, textOfLines } from "../../../../src/dashboard/features/log/log-line.ts";
import { LogStore, MAX_LOG_BYTES } from "../../../../src/dashboard/features/log/log-store.ts";
import { PLAIN } from "../../../../src/dashboard/features/log/sgr.ts";

function storeOf(...parts: readonly (string | Uint8Array)[]): LogStore {
  const store = new LogStore();
  for (const part of parts) store.append(typeof part === "string" ? Buffer.from(part) : part);
  return store;
}

const linesOf = (store: LogStore) =>
  Array.from({ length: store.lineCount }, (_, line) => Buffer.from(store.lineBytes(line)).toString());

const pieces = fc.string({ unit: fc.constantFrom("a", "b", "\n", "\u001b", "[", "m"), maxLength: 9 });

describe("the lines of a log", () => {
  it("are those between the line ends, in whatever pieces they come", () => {
    fc.assert(
      fc.property(fc.array(pieces), (parts) => {
        const lines = parts.join("").split("\n");
        if (lines.at(-1) === "") lines.pop();
        expect(linesOf(storeOf(...parts))).toEqual(lines);
      }),
    );
  });

  it("go over the ends of blocks", () => {
    const long = "x".repeat(1_048_570);
    const store = storeOf(`${long}\nbetween two blocks\n`, "after");
    expect(linesOf(store)).toEqual([long, "between two blocks", "after"]);
    expect(Buffer.from(store.linesBytes(1, 3)).toString()).toBe("between two blocks\nafter");
  });

  it("end where more is not kept", () => {
    const store = new LogStore();
    const block = Buffer.alloc(16 * 1_048_576, "y");
    for (let bytes = 0; bytes < MAX_LOG_BYTES; bytes += block.length) store.append(block);
    expect(store.isFull).toBe(false);
    store.append(Buffer.from("more"));
    expect(store).toMatchObject({ isFull: true, sizeBytes: MAX_LOG_BYTES, lineCount: 1 });
  });
});

describe("a style", () => {
  it("goes on over lines until something ends it", () => {
    const store = storeOf("plain\n\u001b[31mred\n", "still red\n", "and \u001b[0mnot\nplain\n");
    const red = { ...PLAIN, foreground: 1 };
    expect([0, 1, 2, 3, 4].map((line) => store.styleAt(line))).toEqual([PLAIN, PLAIN, red, red, PLAIN]);
  });

  it("is the same in whatever pieces it comes", () => {
    const text = "\u001b[1;38;5;208mone\ntwo\u001b[22m\nthree\u001b[m\nfour\n";
    const whole = storeOf(text);
    const single = storeOf(...text);
    for (let line = 0; line < 4; line++) expect(single.styleAt(line)).toEqual(whole.styleAt(line));
    expect(whole.styleAt(1)).toEqual({ ...PLAIN, isBold: true, foreground: 208 });
  });

  it("of the task is not that of the worker's lines", () => {
    const store = storeOf("\u001b[31mred\n[boxcar 12:00:03.120] failed\n");
    expect(readLine(store, 1)).toEqual({
      pieces: [{ text: "[boxcar 12:00:03.120] failed", style: PLAIN }],
      isWorkers: true,
      cutBytes: 0,
    });
  });
});

describe("a line that is too long to be shown", () => {
  it("is cut at its end, and says how much is left out", () => {
    const { pieces, cutBytes } = readLine(storeOf("z".repeat(20_000)), 0);
    expect(pieces[0]?.text).toHaveLength(16_384);
    expect(cutBytes).toBe(20_000 - 16_384);
  });

  it("shows what a progress bar has drawn last", () => {
    const bar = Array.from({ length: 20_000 }, (_, percent) => `${percent} of 20000`).join("\r");
    expect(plainText(readLine(storeOf(bar), 0))).toBe("19999 of 20000");
  });
});

it("copies lines as they are shown", () => {
  expect(textOfLines(storeOf("one\r\n\u001b[32mtwo\u001b[0m\nthree\n"), 0, 2)).toBe("one\ntwo");
});
