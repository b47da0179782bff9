import { describe, expect, it } from "vitest";
import { EXT4, fileLine, listingOf } from "./listings.ts";

describe("a listing", () => {
  it("has the files by their path, and the targets of links", () => {
    const { files, root } = listingOf([
      EXT4,
      fileLine("a"),
      "E0 l 777 0 0 1 0 1 0:0 b",
      "La",
      "E0 d 755 0 0 0 0 2 0:0 c",
    ]);
    expect([...files.keys()]).toEqual(["/a", "/b", "/c"]);
    expect(files.get("/b")).toMatchObject({ type: "link", target: "a" });
    expect(root).toBe(0);
  });

  it("calls the volume with the system the root, and says of others which they are", () => {
    const { files, root } = listingOf([
      "V0 0 1 1048576 4096 vfat ",
      "V0 1 2 1048576 0 swap it is no file system",
      "V0 2 5 1048576 4096 ext4 ",
      fileLine("EFI"),
      "E2 d 755 0 0 0 0 2 0:0 etc",
      "E2 f 644 0 0 1 0 1 0:0 etc/passwd",
    ]);
    expect(root).toBe(2);
    expect([...files.keys()]).toEqual(["partition 1:/EFI", "/etc", "/etc/passwd"]);
  });

  it("may be of a disk on which nothing can be looked into", () => {
    const { files, root } = listingOf(["V0 0 0 512 0 LUKS it is no file system"]);
    expect(files.size).toBe(0);
    expect(root).toBeUndefined();
  });

  it.each([
    ["a file of a volume that there is not", [fileLine("a")], "inspection-protocol-error"],
    ["a target of nothing", [EXT4, "La"], "inspection-protocol-error"],
    ["a target of a file", [EXT4, fileLine("a"), "Lb"], "inspection-protocol-error"],
    ["a volume twice", [EXT4, EXT4], "inspection-protocol-error"],
    ["a volume of the other disk", ["V1 0 0 1 1 ext4 "], "inspection-protocol-error"],
    ["the end of the other disk", [EXT4, "D1"], "inspection-protocol-error"],
    [
      "more files than it was to tell",
      [EXT4, fileLine("a"), fileLine("b"), fileLine("c")],
      "inspection-protocol-error",
    ],
    ["that there are more", [EXT4, fileLine("a"), "T"], "inspection-too-large"],
    ["that it cannot", ["Fno \u001b[2J disk"], "inspection-failed"],
  ])("is refused if it says %s", (_what, lines, code) => {
    expect(() => listingOf(lines, 2)).toThrow(expect.objectContaining({ code }));
  });

  it("keeps the first of endless troubles", () => {
    const troubles = Array.from({ length: 5_000 }, (_, index) => `W0 trouble ${index}`);
    expect(listingOf([EXT4, ...troubles]).troubles).toHaveLength(1_000);
  });
});
