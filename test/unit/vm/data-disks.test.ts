import { describe, expect, it } from "vitest";
import { chooseDiskSlots, diskPlaces, diskSerial } from "../../../src/vm/data-disks.ts";

describe("places for disks", () => {
  it.each([
    [0, 0],
    [1, 1],
    [2, 2],
    [3, 4],
    [5, 8],
    [8, 8],
  ])("for %d disks a machine has %d, so that few kinds of machines are captured", (disks, slots) => {
    expect(chooseDiskSlots({ chipset: "q35" }, disks)).toBe(slots);
  });

  it("are fewer on a board without PCI", () => {
    expect([1, 2, 3].map((disks) => chooseDiskSlots({ chipset: "microvm" }, disks))).toEqual([1, 2, 3]);
  });

  it.each([
    ["q35", 9],
    ["microvm", 4],
  ] as const)("are refused where %s has no room for %d", (chipset, disks) => {
    expect(() => chooseDiskSlots({ chipset }, disks)).toThrow(
      expect.objectContaining({
        blame: "task",
        issues: [{ path: "chipset", message: expect.stringContaining(chipset) }],
      }),
    );
  });

  it("are told apart by a serial as long as QEMU takes it", () => {
    const serials = diskPlaces({ chipset: "q35" }).map((_place, slot) => diskSerial(slot));
    expect(new Set(serials).size).toBe(8);
    expect(Math.max(...serials.map((serial) => serial.length))).toBeLessThanOrEqual(20);
  });
});
