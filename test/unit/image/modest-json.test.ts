import { describe, expect, it } from "vitest";
import { parseModestJson } from "../../../src/image/modest-json.ts";

const LIMITS = { maxValues: 10, maxDepth: 3 };
const parse = (text: string) => parseModestJson(text, "image.json", LIMITS);

describe("parseModestJson", () => {
  it("gives what JSON gives, and does not count what is inside of texts", () => {
    expect(parse('{"a":[1,2,{"b":"x"}]}')).toEqual({ a: [1, 2, { b: "x" }] });
    expect(parse(JSON.stringify({ a: '[[[[[,,,,,,,,,,,,"\\', b: "\\" }))).toEqual({
      a: '[[[[[,,,,,,,,,,,,"\\',
      b: "\\",
    });
  });

  it.each([
    ["too deep", "[[[[1]]]]", "is nested more than 3 deep"],
    ["too deep and never closed", "[".repeat(1_000_000), "is nested more than 3 deep"],
    ["too much", `[${"1,".repeat(10)}1]`, "holds more than 10 values"],
    ["no JSON", "{", "is not JSON"],
    ["nothing", "", "is not JSON"],
  ])("refuses what is %s", (_, text, message) => {
    expect(() => parse(text)).toThrow(
      expect.objectContaining({ code: "invalid-input", blame: "image", message: expect.stringContaining(message) }),
    );
  });
});
