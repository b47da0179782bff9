import fc from "fast-check";
import { expect, it } from "vitest";
import { nearest } from "../../../src/schema/nearest.ts";

const words = ["memory", "cores", "keyboard", "keyboardLayout", "os"];

it("finds what was meant, without regard to case", () => {
  expect(nearest("memroy", words)).toBe("memory");
  expect(nearest("Cores", words)).toBe("cores");
  expect(nearest("keyboardlayout", words)).toBe("keyboardLayout");
});

it("suggests nothing where nothing is near, and does not compare very long words", () => {
  expect(nearest("zebra", words)).toBeUndefined();
  expect(nearest("x".repeat(65), ["x".repeat(65)])).toBeUndefined();
});

it("finds a word from itself with one letter missing", () => {
  fc.assert(
    fc.property(fc.constantFrom("memory", "cores", "keyboardLayout"), fc.nat(), (word, seed) => {
      const at = seed % word.length;
      expect(nearest(word.slice(0, at) + word.slice(at + 1), words)).toBe(word);
    }),
  );
});
