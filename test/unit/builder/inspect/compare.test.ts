import { describe, expect, it } from "vitest";
import { compareDocuments } from "../../../../src/builder/inspect/compare-documents.ts";
import { compareFiles, findCandidates } from "../../../../src/builder/inspect/compare-files.ts";
import { comparePackages } from "../../../../src/builder/inspect/compare-packages.ts";
import { compareVolumes } from "../../../../src/builder/inspect/compare-volumes.ts";
import { parseDpkgStatus } from "../../../../src/builder/inspect/package-database.ts";
import { relate } from "../../../../src/builder/inspect/relation.ts";
import { shownPath } from "../../../../src/builder/inspect/shown-path.ts";
import { EXT4, fileLine, listingOf } from "./listings.ts";

const NOTHING = new Map<string, boolean | string>();

describe("files", () => {
  it("are added, removed, changed or the same", () => {
    const a = listingOf([EXT4, fileLine("same"), fileLine("gone", { bytes: 5 }), fileLine("grown")]);
    const b = listingOf([EXT4, fileLine("same"), fileLine("new"), fileLine("grown", { bytes: 11 })]);
    expect(compareFiles(a, b, NOTHING)).toEqual({
      added: [{ path: "/new", type: "file", sizeBytes: 10 }],
      removed: [{ path: "/gone", type: "file", sizeBytes: 5 }],
      changed: [{ path: "/grown", differences: [{ field: "size", a: 10, b: 11 }] }],
      same: 1,
    });
  });

  it.each([
    ["mode", fileLine("a", { mode: "4755" }), { field: "mode", a: "0644", b: "4755" }],
    ["owner", fileLine("a", { uid: 7 }), { field: "owner", a: "0:0", b: "7:0" }],
    ["links", fileLine("a", { links: 2 }), { field: "links", a: 1, b: 2 }],
    ["size", fileLine("a", { bytes: 0 }), { field: "size", a: 10, b: 0 }],
  ])("differ by their %s", (_field, line, difference) => {
    const { changed } = compareFiles(listingOf([EXT4, fileLine("a")]), listingOf([EXT4, line]), NOTHING);
    expect(changed).toEqual([{ path: "/a", differences: [difference] }]);
  });

  it("differ by type, target and device", () => {
    const a = listingOf([EXT4, "E0 l 644 0 0 1 0 1 0:0 a", "Lx", "E0 b 644 0 0 0 0 1 8:0 b"]);
    const b = listingOf([EXT4, "E0 l 644 0 0 1 0 1 0:0 a", "Ly", "E0 c 644 0 0 0 0 1 8:1 b"]);
    expect(compareFiles(a, b, NOTHING).changed.map(({ differences }) => differences)).toEqual([
      [{ field: "target", a: "x", b: "y" }],
      [
        { field: "type", a: "block device", b: "character device" },
        { field: "device", a: "8:0", b: "8:1" },
      ],
    ]);
  });

  it("are read only where they could be the same", () => {
    const a = listingOf([EXT4, fileLine("a"), fileLine("b"), fileLine("c", { bytes: 0 }), fileLine("d")]);
    const b = listingOf([EXT4, fileLine("a"), fileLine("b", { bytes: 7 }), fileLine("c", { bytes: 0 })]);
    expect(findCandidates(a, b).map(({ path }) => path)).toEqual(["/a"]);
  });

  it("differ by what is in them, or perhaps", () => {
    const listing = listingOf([EXT4, fileLine("a"), fileLine("b"), fileLine("c")]);
    const contents = new Map<string, boolean | string>([
      ["/a", true],
      ["/b", false],
      ["/c", "Input/output error"],
    ]);
    expect(compareFiles(listing, listing, contents)).toMatchObject({
      same: 1,
      changed: [
        { path: "/b", differences: [{ field: "content" }] },
        { path: "/c", differences: [{ field: "content", a: "Input/output error" }] },
      ],
    });
  });

  it("are told apart by bytes that are no text", () => {
    const a = listingOf([EXT4, fileLine("\xff")]);
    const b = listingOf([EXT4, fileLine("\xfe")]);
    expect(compareFiles(a, b, NOTHING)).toMatchObject({ added: [{ path: "/\\xfe" }], removed: [{ path: "/\\xff" }] });
  });

  it("are shown by their names", () => {
    expect(shownPath(Buffer.from("/größe").toString("latin1"))).toBe("/größe");
    expect(shownPath("/gr\xf6\xdfe")).toBe("/gr\\xf6\\xdfe");
  });
});

describe("volumes", () => {
  const used = "V0 0 0 1048576 4096 ext4 ";
  it.each([
    ["nothing", used, 0],
    ["what is used, which files tell", "V0 0 0 1048576 8192 ext4 ", 0],
    ["size", "V0 0 0 2097152 4096 ext4 ", 1],
    ["type", "V0 0 0 1048576 4096 xfs ", 1],
    ["whether it can be looked into", "V0 0 0 1048576 4096 ext4 it cannot be mounted", 1],
    ["partition", "V0 0 1 1048576 4096 ext4 ", 2],
  ])("differ by %s", (_what, line, count) => {
    expect(compareVolumes(listingOf([used]), listingOf([line]))).toHaveLength(count);
  });
});

describe("documents", () => {
  it("differ field by field, by names in each other", () => {
    const a = { memory: 512, boot: { kernel: "kernel", cmdline: "a" }, list: [1], packages: [1] };
    const b = { memory: 1_024, boot: { kernel: "kernel" }, list: [2], packages: [2], graphics: "none" };
    expect(compareDocuments(a, b, ["packages"])).toEqual([
      { field: "boot.cmdline", a: '"a"', b: undefined },
      { field: "graphics", a: undefined, b: '"none"' },
      { field: "list", a: "[1]", b: "[2]" },
      { field: "memory", a: "512", b: "1024" },
    ]);
  });

  it("may be missing", () => {
    expect(compareDocuments(undefined, undefined)).toEqual([]);
    expect(compareDocuments(undefined, { name: "a" })).toEqual([{ field: "name", a: undefined, b: '"a"' }]);
  });
});

describe("packages", () => {
  it("are added, removed, of another version, or the same", () => {
    const a = [
      { name: "bash", version: "1" },
      { name: "dash", version: "1" },
      { name: "linux", version: "6.1" },
      { name: "linux", version: "6.2" },
      { name: "make", version: "1" },
    ];
    const b = [
      { name: "bash", version: "1" },
      { name: "git", version: "2" },
      { name: "linux", version: "6.2" },
      { name: "make", version: "2" },
    ];
    expect(comparePackages(a, b)).toEqual({
      added: [{ name: "git", version: "2" }],
      removed: [{ name: "dash", version: "1" }],
      changed: [
        { name: "linux", a: "6.1, 6.2", b: "6.2" },
        { name: "make", a: "1", b: "2" },
      ],
      same: 1,
    });
  });

  it("are those that dpkg has installed", () => {
    const status = [
      "Package: bash\nStatus: install ok installed\nVersion: 5.2\nDescription: a shell\n continued\n .\n Version: 9",
      "Package: gone\nStatus: deinstall ok config-files\nVersion: 1",
      "Package: half\nStatus: install ok half-installed\nVersion: 1",
      "Status: install ok installed\nVersion: 1",
      `Package: ${"x".repeat(1_000)}\nStatus: install ok installed\nVersion: 1`,
    ].join("\n\n");
    const found = parseDpkgStatus(status);
    expect(found.slice(0, 1)).toEqual([{ name: "bash", version: "5.2" }]);
    expect(found).toHaveLength(2);
    expect(found[1]?.name).toHaveLength(256);
  });

  it("are not without end", () => {
    const one = "Package: a\nStatus: install ok installed\nVersion: 1\n\n";
    expect(parseDpkgStatus(one.repeat(150_000))).toHaveLength(100_000);
    expect(parseDpkgStatus("\0".repeat(100_000))).toEqual([]);
  });
});

it.each([
  ["same", "a", [], "a", []],
  ["b-on-a", "a", ["x"], "b", ["c", "a", "x"]],
  ["a-on-b", "a", ["b"], "b", []],
  ["one-origin", "a", ["x"], "b", ["c", "x"]],
  ["none", "a", ["x"], "b", ["y"]],
] as const)("images are related: %s", (relation, a, ofA, b, ofB) => {
  const digests = (names: readonly string[]) => names.map((name) => `sha256:${name}` as const);
  const image = (name: string, ancestors: readonly string[]) => ({
    digest: `sha256:${name}` as const,
    ancestors: digests(ancestors),
  });
  expect(relate(image(a, ofA), image(b, ofB))).toBe(relation);
});
