import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EscapeReader } from "../../../../src/cli/operate/escape.ts";

/** What arrives of what is typed, in pieces as they come. */
function type(...chunks: readonly string[]): { text: string; leaves: boolean } {
  const reader = new EscapeReader();
  let text = "";
  for (const chunk of chunks) {
    const { bytes, leaves } = reader.read(Buffer.from(chunk));
    text += bytes.toString();
    if (leaves) return { text, leaves };
  }
  return { text, leaves: false };
}

describe("the way out of a shell", () => {
  it.each([["~."], ["ls\r~."], ["ls\r", "~", "."], ["a\n~."]])(
    "is a tilde and a dot at the beginning of a line: %j",
    (...chunks) => {
      expect(type(...chunks).leaves).toBe(true);
    },
  );

  it.each(["a~.", "\r ~.", "~a.", "x\r~~."])("is nothing else: %j", (text) => {
    expect(type(text).leaves).toBe(false);
  });

  it("takes two tildes for one", () => {
    expect(type("\r~~x")).toEqual({ text: "\r~x", leaves: false });
  });

  it("lets through whatever holds no tilde, in whatever pieces it comes", () => {
    const pieces = fc.array(fc.string().map((text) => text.replaceAll("~", "-")));
    fc.assert(fc.property(pieces, (chunks) => type(...chunks).text === chunks.join("")));
  });
});
