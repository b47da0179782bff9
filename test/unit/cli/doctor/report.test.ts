import { describe, expect, it } from "vitest";
import { type Check, formatReport, isHealthy } from "../../../../src/cli/doctor/report.ts";

const GOOD: Check = { id: "qemu", status: "ok", detail: "QEMU emulator version 7.2" };
const SLOW: Check = { id: "accelerator", status: "warn", detail: "the CPU is emulated", remedy: "use a host with KVM" };
const BAD: Check = { id: "disk", status: "fail", detail: "read-only", remedy: "set stateDir" };

describe("the doctor's report", () => {
  it("has a line for each check, in columns, and the remedy below", () => {
    expect(formatReport([GOOD, SLOW, BAD])).toBe(
      [
        "ok    qemu         QEMU emulator version 7.2",
        "warn  accelerator  the CPU is emulated",
        "                   → use a host with KVM",
        "FAIL  disk         read-only",
        "                   → set stateDir",
      ].join("\n"),
    );
  });

  it("calls a host healthy that only has warnings, and one with a failure not", () => {
    expect(isHealthy([GOOD, SLOW])).toBe(true);
    expect(isHealthy([GOOD, SLOW, BAD])).toBe(false);
  });
});
