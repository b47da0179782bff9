import { describe, expect, it } from "vitest";
import { planKeys, tryKeystrokes } from "../../../../src/builder/iso/keystrokes.ts";

describe("typing into a machine", () => {
  it("presses the keys of a US keyboard", () => {
    expect(tryKeystrokes("aB 1!\n")).toEqual([["a"], ["shift", "b"], ["spc"], ["1"], ["shift", "1"], ["ret"]]);
    expect(tryKeystrokes('~"|_')).toEqual([
      ["shift", "grave_accent"],
      ["shift", "apostrophe"],
      ["shift", "backslash"],
      ["shift", "minus"],
    ]);
  });

  it("has a key for each character that can be printed in ASCII", () => {
    const all = Array.from({ length: 95 }, (_, index) => String.fromCharCode(32 + index));
    const presses = all.map((character) => tryKeystrokes(character)?.[0]?.join("-"));
    expect(presses).not.toContain(undefined);
    expect(new Set(presses).size).toBe(95);
  });

  it("types the text of a step, then presses its keys", () => {
    expect(planKeys([{ waitMs: 5, type: "y", press: ["ctrl", "alt", "f2"] }])).toEqual([
      { waitMs: 5, presses: [["y"], ["ctrl", "alt", "f2"]] },
    ]);
  });

  it("names the step whose text has no keys", () => {
    const steps = [
      { waitMs: 0, type: "ok", press: [] },
      { waitMs: 0, type: "straße", press: [] },
    ];
    expect(() => planKeys(steps)).toThrow(/from\.iso\.keys\[1\]\.type: has characters/);
  });
});
