import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { advance, BIRTH, type VmLife, type VmOccurrence } from "../../../src/vm/life.ts";

function event(name: string, data: Record<string, unknown> = {}): VmOccurrence {
  return { kind: "event", event: { name, data, atMs: 0 } };
}

function live(...occurrences: VmOccurrence[]): VmLife {
  return occurrences.reduce(advance, BIRTH);
}

const OCCURRENCES: VmOccurrence[] = [
  { kind: "started" },
  { kind: "kill" },
  { kind: "exited" },
  event("STOP"),
  event("RESUME"),
  event("GUEST_PANICKED"),
  event("BLOCK_IO_ERROR", { nospace: false }),
  event("BLOCK_IO_ERROR", { nospace: true }),
  event("SHUTDOWN", { guest: true, reason: "guest-shutdown" }),
  event("SHUTDOWN", { guest: false, reason: "host-signal" }),
];

describe("the life of a machine", () => {
  it.each([
    ["guest-shutdown", event("SHUTDOWN", { guest: true, reason: "guest-shutdown" })],
    ["guest-reset", event("SHUTDOWN", { guest: true, reason: "guest-reset" })],
    ["guest-panic", event("GUEST_PANICKED")],
    ["qemu-died", event("SHUTDOWN", { guest: false, reason: "host-signal" })],
    ["disk-full", event("BLOCK_IO_ERROR", { operation: "write", action: "stop", nospace: true })],
    ["killed", { kind: "kill" } as const],
  ])("ends with the cause %s", (cause, occurrence) => {
    expect(live({ kind: "started" }, occurrence)).toEqual({ state: "stopping", cause });
    expect(live({ kind: "started" }, occurrence, { kind: "exited" })).toEqual({ state: "gone", cause });
  });

  it("takes a QEMU that exits without a word for dead", () => {
    expect(live({ kind: "started" }, { kind: "exited" })).toEqual({ state: "gone", cause: "qemu-died" });
  });

  it("pauses and resumes", () => {
    expect(live({ kind: "started" }, event("STOP")).state).toBe("paused");
    expect(live({ kind: "started" }, event("STOP"), event("RESUME")).state).toBe("running");
  });

  it("waits, paused, where it was captured", () => {
    expect(live({ kind: "loaded" }).state).toBe("paused");
    expect(live({ kind: "loaded" }, event("RESUME")).state).toBe("running");
  });

  it("goes on after an error of its disk that is no want of room", () => {
    expect(live({ kind: "started" }, event("BLOCK_IO_ERROR", { nospace: false })).state).toBe("running");
  });

  it("keeps the first cause, and never leaves `gone`", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...OCCURRENCES)), (occurrences) => {
        let life = BIRTH;
        for (const occurrence of occurrences) {
          const next = advance(life, occurrence);
          if (life.cause !== undefined) expect(next.cause).toBe(life.cause);
          if (life.state === "gone") expect(next).toEqual(life);
          life = next;
        }
      }),
    );
  });
});
