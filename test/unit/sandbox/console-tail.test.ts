import { describe, expect, it } from "vitest";
import { describeConsole } from "../../../src/sandbox/console-tail.ts";

describe("describeConsole", () => {
  it("shows the last lines, without what a terminal would obey", () => {
    const text = `${"old\n".repeat(50)}\u001b[1;31mred\u001b[0m\r\n\u001b]0;title\u0007 last\u0007 \r\n\r\n`;
    const lines = describeConsole(text).split("\n");
    expect(lines.slice(-2)).toEqual(["  red", "   last"]);
    expect(lines.length).toBeLessThan(20);
  });

  it("begins with a kernel panic, however much follows it", () => {
    const text = `before\n[ 2.1] Kernel panic - not syncing: x\n${"[ 2.2] RAX: 0\n".repeat(50)}`;
    const lines = describeConsole(text).split("\n");
    expect(lines[2]).toBe("  [ 2.1] Kernel panic - not syncing: x");
    expect(lines.length).toBeLessThan(20);
  });

  it("says nothing of a console on which nothing was written", () => {
    expect(describeConsole("\r\n\n")).toBe("");
  });
});
