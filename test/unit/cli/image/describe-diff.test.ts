import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import type { OneSided } from "../../../../src/builder/inspect/compare-files.ts";
import { type ImageDiff, isSame } from "../../../../src/builder/inspect/image-diff.ts";
import { type CliContext, print, printJson } from "../../../../src/cli/context.ts";
import { isArchivePath } from "../../../../src/cli/image/archive-file.ts";
import { describeDiff } from "../../../../src/cli/image/describe-diff.ts";
import { exitCodeOf, sectionsOf } from "../../../../src/cli/image/diff.ts";
import { foldFolders } from "../../../../src/cli/image/fold-folders.ts";

const A = { reference: "old", digest: `sha256:${"a".repeat(64)}`, virtualBytes: 1_073_741_824 };
const B = { reference: "new.tar.zst", digest: `sha256:${"b".repeat(64)}`, virtualBytes: 2_147_483_648 };
const SAME: ImageDiff = {
  ...{ same: true, a: A, b: B, relation: "none", machine: [], boot: [], provenance: [] },
  packages: { from: { a: "image.json", b: "dpkg" }, added: [], removed: [], changed: [], same: 101 },
  files: { added: [], removed: [], changed: [], same: 6_715, volumes: [], troubles: [] },
};

const DIFFERENT: ImageDiff = {
  ...SAME,
  same: false,
  relation: "b-on-a",
  machine: [{ field: "memory", a: "512", b: undefined }],
  boot: [{ file: "kernel", a: undefined, b: { sha256: "c".repeat(64), sizeBytes: 2_048 } }],
  packages: {
    from: { a: "image.json", b: "dpkg" },
    added: [{ name: "git", version: "2" }],
    removed: [],
    changed: [{ name: "make", a: "1", b: "2" }],
    same: 99,
  },
  files: {
    added: [folder("/opt"), file("/opt/a", 1_024), file("/opt/b", 2_048)],
    removed: [file("/old", 7)],
    changed: [
      {
        path: "/etc/x",
        differences: [
          { field: "size", a: 1_024, b: 1_025 },
          { field: "mode", a: "0644", b: "0600" },
        ],
      },
      { path: "/etc/y", differences: [{ field: "content", a: undefined, b: undefined }] },
    ],
    same: 6_000,
    volumes: [],
    troubles: ["A: Structure needs cleaning: x"],
  },
};

function file(path: string, sizeBytes: number): OneSided {
  return { path, type: "file", sizeBytes };
}

function folder(path: string): OneSided {
  return { path, type: "folder", sizeBytes: 0 };
}

function printed(say: (context: CliContext) => void): string {
  const stdout = new PassThrough();
  say({ stdout } as Partial<CliContext> as CliContext);
  return String(stdout.read());
}

describe("what differs", () => {
  it("is nothing", () => {
    expect(isSame(SAME)).toBe(true);
    expect(describeDiff(SAME, { isWhole: false })).toBe(`A  old          aaaaaaaaaaaa  1.0 GiB
B  new.tar.zst  bbbbbbbbbbbb  2.0 GiB

Machine: the same

Kernel and initrd: the same

Provenance: the same

Packages: all 101 are the same

Files: all 6,715 are the same`);
  });

  it("is told by its parts, folders that are new as one", () => {
    expect(isSame(DIFFERENT)).toBe(false);
    expect(describeDiff(DIFFERENT, { isWhole: false })).toBe(`A  old          aaaaaaaaaaaa  1.0 GiB
B  new.tar.zst  bbbbbbbbbbbb  2.0 GiB

B is a layer on A: what differs is what the layer has made of it.

Machine: 1 field differs
  ~  memory  512 → -

Kernel and initrd: 1 file differs
  ~  kernel  - → cccccccccccc (2.0 KiB)

Provenance: the same

Packages: 1 added, 0 removed, 1 changed, 99 the same
  +  git   2
  ~  make  1 → 2

Files: 3 added, 1 removed, 2 changed, 6,000 the same
  +  /opt/   3.0 KiB in 2 below it
  -  /old    7 B
  ~  /etc/x  size 1024 → 1025, mode 0644 → 0600
  ~  /etc/y  content

Not compared: 1 place
  !  A: Structure needs cleaning: x`);
  });

  it("is told only as far as it was compared", () => {
    const { same, a, b, relation, machine } = DIFFERENT;
    expect(describeDiff({ same, a, b, relation: "none", machine: machine ?? [] }, { isWhole: false })).not.toMatch(
      /Files|Packages|Provenance/,
    );
    expect(relation).toBe("b-on-a");
  });

  it("is told in part where it is much, and whole where it is asked for", () => {
    const added = Array.from({ length: 1_000 }, (_, index) => file(`/x${index}`, 1));
    const files = { added, removed: [], changed: [], same: 0, volumes: [], troubles: [] };
    const few = describeDiff({ ...SAME, files }, { isWhole: false });
    expect(few).toContain("  +  … and 975 more: --all shows them");
    expect(few.split("\n").length).toBeLessThan(50);
    expect(describeDiff({ ...SAME, files }, { isWhole: true })).toContain("  +  /x999 ");
  });

  it("says where nobody knows the packages, and that this is no difference", () => {
    const packages = { from: { a: undefined, b: "dpkg" }, added: [], removed: [], changed: [], same: 0 } as const;
    expect(describeDiff({ ...SAME, packages }, { isWhole: false })).toContain("Packages: nobody knows which are in A");
  });

  it("does nothing to a terminal", () => {
    const name = "/a\u001b[2J\nFiles: all are the same\u202e\u009b";
    const files = { added: [file(name, 1)], removed: [], changed: [], same: 0, volumes: [], troubles: [name] };
    const hostile = { ...SAME, files, a: { ...A, reference: name } };
    const text = printed((context) => print(context, describeDiff(hostile, { isWhole: false })));
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there.
    const active = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202e]/;
    expect(text).not.toMatch(active);
    expect(text).not.toMatch(/^Files: all/m);
    const json = printed((context) => printJson(context, hostile));
    expect(json).not.toMatch(active);
    expect(JSON.parse(json)).toEqual(hostile);
  });
});

describe("folders that came as a whole", () => {
  it("are told once, with what is in them", () => {
    const files = [
      file("/a", 1),
      folder("/b"),
      folder("/b/c"),
      file("/b/c/d", 2),
      file("/b/e", 3),
      folder("/f"),
      file("/g/h", 4),
    ];
    expect(foldFolders(files)).toEqual([
      { ...file("/a", 1), below: 0 },
      { path: "/b/", type: "folder", sizeBytes: 5, below: 3 },
      { ...folder("/f"), below: 0 },
      { ...file("/g/h", 4), below: 0 },
    ]);
  });

  it("are not those whose name only begins alike", () => {
    expect(foldFolders([folder("/b"), file("/b.txt", 1)]).map(({ path }) => path)).toEqual(["/b", "/b.txt"]);
  });
});

it.each([
  [{}, ["machine", "provenance", "packages", "files"]],
  [{ files: false }, ["machine", "provenance", "packages"]],
  [{ files: true }, ["files"]],
  [{ packages: true, machine: true }, ["machine", "packages"]],
  [{ packages: true, files: false }, ["packages"]],
])("compared is what was asked for: %j", (flags, sections) => {
  expect([...sectionsOf(flags)]).toEqual(sections);
});

const UNKNOWN_PACKAGES: ImageDiff = {
  ...SAME,
  packages: { from: { a: "dpkg", b: undefined }, added: [], removed: [], changed: [], same: 0 },
};
const CLOSED_DISK: ImageDiff = {
  ...SAME,
  files: { added: [], removed: [], changed: [], same: 9, volumes: [], troubles: ["B: partition 1 (unknown)"] },
};

it.each([
  ["what is the same", SAME, 0],
  ["what differs, whatever else could not be compared", DIFFERENT, 1],
  ["what may differ where nobody could look", CLOSED_DISK, 2],
  ["what may differ in packages that nobody knows", UNKNOWN_PACKAGES, 2],
  ["one image, of which nobody knows the packages", { ...UNKNOWN_PACKAGES, relation: "same" } as const, 0],
])("the exit code tells %s", (_, found, expected) => {
  expect(exitCodeOf(found)).toBe(expected);
});

it.each([
  ["debian-minimal", false],
  ["sha256:abcdef", false],
  ["a.tar.zst", true],
  ["debian.zst", true],
  ["./a", true],
  ["/a/b", true],
])("what is an archive is known by its name: %s", (reference, expected) => {
  expect(isArchivePath(reference)).toBe(expected);
});
