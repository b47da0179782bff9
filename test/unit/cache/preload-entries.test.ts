import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type EntryHeader, PreloadEntries } from "../../../src/cache/preload/entries.ts";

function judge(...headers: EntryHeader[]) {
  const entries = new PreloadEntries({ maxBytes: 1_000, maxEntries: 10 });
  return headers.map((header) => entries.add(header));
}

const file = (name: string, more: Partial<EntryHeader> = {}): EntryHeader => ({ name, type: "file", size: 1, ...more });
const folder = (name: string): EntryHeader => ({ name, type: "directory", mode: 0o755 });
const link = (name: string, linkname: string): EntryHeader => ({ name, type: "symlink", linkname });
const twin = (name: string, linkname: string): EntryHeader => ({ name, type: "link", linkname });

describe("entries of a preload archive", () => {
  it("come through as files, folders and links, with the folders that are not told of", () => {
    const all = judge(
      folder("./"),
      file("./a/b/c", { mode: 0o4755 }),
      folder("a/b/"),
      link("l", "/etc"),
      twin("t", "./a/b/c"),
    );
    expect(all).toEqual([
      undefined,
      { kind: "file", path: "a/b/c", parents: ["a", "a/b"], mode: 0o755, sizeBytes: 1 },
      { kind: "folder", path: "a/b", parents: [], mode: 0o755 },
      { kind: "symlink", path: "l", parents: [], target: "/etc" },
      { kind: "hardlink", path: "t", parents: [], target: "a/b/c" },
    ]);
  });

  it.each<[string, EntryHeader[]]>([
    ["a path that leads out", [file("../x")]],
    ["a path that leads out behind a folder", [file("a/../../x")]],
    ["a path from the top", [file("/x")]],
    ["a path with a control character", [file("a\nb")]],
    ["a file twice", [file("a"), file("./a")]],
    ["a file in a file", [file("a"), file("a/b")]],
    ["a file where a folder is", [file("a/b"), file("a")]],
    ["a file behind a link", [link("a", "/etc"), file("a/passwd")]],
    ["a folder where a link is", [link("a", "/etc"), folder("a")]],
    ["a link where a folder is", [folder("a"), link("a", "/etc")]],
    ["a twin of nothing", [twin("a", "b")]],
    ["a twin of a file outside", [twin("a", "/etc/passwd")]],
    ["a twin of a link", [link("a", "/etc/passwd"), twin("b", "a")]],
    ["a link to nowhere", [link("a", "")]],
    ["a device", [{ name: "a", type: "character-device" }]],
    ["a pipe", [{ name: "a", type: "fifo" }]],
    ["what nobody knows", [{ name: "a", type: null }]],
    ["a file without a size", [file("a", { size: -1 })]],
    ["folders without end", [file(`${"a/".repeat(300)}a`)]],
  ])("are refused with %s", (_what, headers) => {
    expect(() => judge(...headers)).toThrow(expect.objectContaining({ code: "preload-refused" }));
  });

  it("are refused when they are too many, or too large together", () => {
    const large = expect.objectContaining({ code: "preload-too-large" });
    expect(() => judge(file("a", { size: 500 }), file("b", { size: 501 }))).toThrow(large);
    expect(() => judge(...Array.from({ length: 11 }, (_, index) => folder(`f${index}`)))).toThrow(large);
    expect(() => judge(file("1/2/3/4/5/6/7/8/9/10/11"))).toThrow(large);
  });

  it("are made in folders of the archive alone, whatever it says", () => {
    const name = fc.array(fc.constantFrom("a", "b", "..", ".", ""), { maxLength: 4 }).map((parts) => parts.join("/"));
    const header = fc.record({ name, type: fc.constantFrom("file", "directory", "symlink", "link"), linkname: name });
    fc.assert(
      fc.property(fc.array(header, { maxLength: 8 }), (headers) => {
        const entries = new PreloadEntries({ maxBytes: 1_000, maxEntries: 100 });
        const made = new Map<string, string>([["", "folder"]]);
        for (const each of headers) {
          let entry: ReturnType<PreloadEntries["add"]>;
          try {
            entry = entries.add(each);
          } catch {
            return;
          }
          if (entry === undefined) continue;
          for (const parent of entry.parents) made.set(parent, "folder");
          const above = entry.path.includes("/") ? entry.path.slice(0, entry.path.lastIndexOf("/")) : "";
          expect(made.get(above)).toBe("folder");
          expect(entry.path.split("/")).not.toContain("..");
          if (entry.kind === "hardlink") expect(made.get(entry.target)).toBe("file");
          made.set(entry.path, entry.kind);
        }
      }),
    );
  });
});
