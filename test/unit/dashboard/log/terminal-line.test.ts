import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { applySgr, PLAIN, RGB } from "../../../../src/dashboard/features/log/sgr.ts";
import { type Piece, renderLine, withoutEscapes } from "../../../../src/dashboard/features/log/terminal-line.ts";

const textOf = (pieces: readonly Piece[]) => pieces.map(({ text }) => text).join("");

describe("colours", () => {
  it.each([
    ["31", { foreground: 1 }],
    ["97", { foreground: 15 }],
    ["44", { background: 4 }],
    ["103", { background: 11 }],
    ["38;5;208", { foreground: 208 }],
    ["48;2;1;2;3", { background: RGB + 0x010203 }],
    ["38:2::1:2:3", { foreground: RGB + 0x010203 }],
    ["38:2:1:2:3", { foreground: RGB + 0x010203 }],
    ["1;3;4;7;9", { isBold: true, isItalic: true, isUnderlined: true, isInverse: true, isStruck: true }],
    ["38;5;208;1", { foreground: 208, isBold: true }],
    ["38;5;999;1", { isBold: true }],
    ["38;2;300;0;0", {}],
    ["1;0;2", { isDim: true }],
    ["31;39", {}],
    ["1;", {}],
    ["", {}],
    ["73", {}],
  ])("reads %j", (parameters, expected) => {
    expect(applySgr(PLAIN, parameters)).toEqual({ ...PLAIN, ...expected });
  });
});

describe("a line", () => {
  it("is one piece if nothing is in it but text", () => {
    expect(renderLine("a plain line", PLAIN)).toEqual([{ text: "a plain line", style: PLAIN }]);
  });

  it("begins in the style that was left, and changes it where it says so", () => {
    const red = { ...PLAIN, foreground: 1 };
    expect(renderLine("red \u001b[1mbold\u001b[0m plain", red)).toEqual([
      { text: "red ", style: red },
      { text: "bold", style: { ...red, isBold: true } },
      { text: " plain", style: PLAIN },
    ]);
  });

  it.each([
    ["the end of a progress bar", " 10 %\r 55 %\r100 %", "100 %"],
    ["what a shorter text leaves of a longer one", "downloading\rdone", "doneloading"],
    ["an erased rest", "downloading\rdone\u001b[K", "done"],
    ["an erased line", "downloading\u001b[2K\rdone", "done"],
    ["an erased beginning", "abc\rd\u001b[1Ke", " ec"],
    ["a letter taken back", "abd\bc", "abc"],
    ["tabs", "a\tb", "a       b"],
    ["no titles of windows", "\u001b]0;a title\u0007text", "text"],
    ["no links of terminals", "\u001b]8;;http://example.com\u001b\\text\u001b]8;;\u001b\\", "text"],
    ["no movements", "a\u001b[5Ab\u001b[10;10Hc", "abc"],
    ["no sequence that is not whole", "text\u001b[31", "text"],
    ["no bells and zeros", "a\u0007b\u0000c", "abc"],
    ["signs of more than one unit", "😀\r😎", "😎"],
  ])("shows %s", (_what, line, expected) => {
    expect(textOf(renderLine(line, PLAIN))).toBe(expected);
  });

  it("is read in time that grows with its length, whatever is in it", () => {
    const hostile = fc.array(
      fc.constantFrom("\u001b", "[", "]", "0", ";", "m", "K", "\r", "\b", "\t", "x", "\u0007", "P"),
      {
        maxLength: 400,
      },
    );
    fc.assert(
      fc.property(hostile, (parts) => {
        const text = textOf(renderLine(parts.join(""), PLAIN));
        // biome-ignore lint/suspicious/noControlCharactersInRegex: none of them may be left.
        expect(text).not.toMatch(/[\u0000-\u001f]/);
        expect(text.length).toBeLessThanOrEqual(8 * parts.length);
      }),
    );
  });

  it("is searched without its escapes", () => {
    expect(withoutEscapes("a \u001b[31mred\u001b[0m word\n")).toBe("a red word\n");
  });
});
