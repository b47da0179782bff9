import { describe, expect, it } from "vitest";
import { resolveMachine } from "../../../src/vm/limits.ts";
import { type SnapshotTraits, snapshotKey } from "../../../src/vm/snapshot-key.ts";

const LIMITS = { maxMemory: 1_024, maxCPUs: 2, defaultThreads: 1 };
const TRAITS: SnapshotTraits = {
  machine: resolveMachine({}, LIMITS),
  accelerator: "tcg",
  directBoot: { kernel: "/images/a/kernel", initrd: undefined, cmdline: "quiet" },
  qemu: "/usr/bin/qemu 7.2",
  cpu: "a processor",
};

describe("the key of a snapshot", () => {
  it("is the same for the same machine", () => {
    expect(snapshotKey({ ...TRAITS, machine: resolveMachine({}, LIMITS) })).toBe(snapshotKey(TRAITS));
    expect(snapshotKey(TRAITS)).toMatch(/^[0-9a-f]{64}$/);
  });

  it("is the same without places for disks as for a machine of which nobody has asked", () => {
    expect(snapshotKey({ ...TRAITS, diskSlots: 0 })).toBe(snapshotKey(TRAITS));
  });

  it.each<[string, Partial<SnapshotTraits>]>([
    ["memory", { machine: resolveMachine({ payload: { memory: 512 } }, LIMITS) }],
    ["a card", { machine: resolveMachine({ payload: { network: "e1000" } }, LIMITS) }],
    ["accelerator", { accelerator: "kvm" }],
    ["QEMU", { qemu: "/usr/bin/qemu 9.0" }],
    ["processor", { cpu: "another" }],
    ["way to boot", { directBoot: undefined }],
    ["number of places for disks", { diskSlots: 1 }],
    ["word to its cloud-init", { cloudInit: "{}" }],
  ])("is another one with another %s", (_name, change) => {
    expect(snapshotKey({ ...TRAITS, ...change })).not.toBe(snapshotKey(TRAITS));
  });
});
