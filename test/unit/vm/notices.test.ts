import { describe, expect, it } from "vitest";
import { recognizeConsoleLine, recognizeEvent } from "../../../src/vm/notices.ts";

describe("what goes wrong with a machine", () => {
  it("is told by QEMU, where it is the disk", () => {
    const data = { device: "disk0", operation: "write", action: "report", reason: "Input/output error" };
    expect(recognizeEvent({ name: "BLOCK_IO_ERROR", data, atMs: 0 })).toEqual({
      kind: "disk-error",
      message: "the host failed to write the disk of the machine: Input/output error",
    });
    expect(recognizeEvent({ name: "RESET", data: {}, atMs: 0 })).toBeUndefined();
  });

  it.each([
    "Out of memory: Killed process",
    "out of memory: killed process 12 (sh)",
    "Kernel panics are bad",
    `Out of memory: Killed process ${"9".repeat(11)} (sh)`,
  ])("is not in the line %j", (line) => {
    expect(recognizeConsoleLine(line)).toBeUndefined();
  });
});
