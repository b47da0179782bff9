import { describe, expect, it } from "vitest";
import { bootConfig, layoutOf, partitionTable, SECTOR } from "../../../../src/builder/debian/boot-disk-layout.ts";
import { embedCore } from "../../../../src/builder/debian/boot-sector.ts";

const MIB = 1_048_576;
const identity = { uuid: "b0cca500-0000-4000-8000-000000000002", label: "cloudroot" };

describe("the boot sector of a disk", () => {
  const sector = Buffer.alloc(SECTOR, 0xaa);
  const bootImage = Buffer.alloc(SECTOR, 0x11);
  const core = Buffer.alloc(3 * SECTOR, 0x22);
  const place = { sector, bootImage, core, offsetBytes: MIB, sizeBytes: MIB };

  it("is GRUB's, with the disk's own signature and table, and says where the core is", () => {
    const { bootSector, placed } = embedCore(place);
    expect(bootSector.readBigUInt64LE(0x5c)).toBe(2_048n);
    expect(bootSector.subarray(0x1b8)).toEqual(sector.subarray(0x1b8));
    expect(bootSector.subarray(0, 3)).toEqual(bootImage.subarray(0, 3));
    expect(bootSector.subarray(0x68, 0x1b8)).toEqual(bootImage.subarray(0x68, 0x1b8));
    expect(placed.readBigUInt64LE(SECTOR - 12)).toBe(2_049n);
    expect(placed.subarray(SECTOR)).toEqual(core.subarray(SECTOR));
  });

  it("refuses a core that is larger than its place", () => {
    expect(() => embedCore({ ...place, sizeBytes: 2 * SECTOR })).toThrow(RangeError);
  });
});

describe("the layout of a disk", () => {
  const layout = layoutOf(4_096 * MIB);

  it("has its partitions one behind the other, the root last, and room for the second table", () => {
    const { bios, efi, root } = layout;
    expect([efi.offsetBytes, root.offsetBytes]).toEqual([
      bios.offsetBytes + bios.sizeBytes,
      efi.offsetBytes + efi.sizeBytes,
    ]);
    expect(root.offsetBytes + root.sizeBytes).toBe(4_095 * MIB);
  });

  it("is the same for the same UUID, and no other", () => {
    const table = partitionTable(layout, identity);
    expect(partitionTable(layout, { ...identity })).toBe(table);
    const ids = [...table.matchAll(/uuid=([0-9a-f-]{36})|label-id: ([0-9a-f-]{36})/g)].map(([, a, b]) => a ?? b);
    expect(new Set(ids).size).toBe(4);
    expect(partitionTable(layout, { ...identity, uuid: crypto.randomUUID() })).not.toBe(table);
  });

  it("finds its root by the label", () => {
    expect(bootConfig(identity, "ro quiet")).toContain("linux /vmlinuz root=LABEL=cloudroot ro quiet\n");
  });
});
