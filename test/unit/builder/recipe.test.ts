import { describe, expect, it } from "vitest";
import { InvalidInputError, type Issue } from "../../../src/base/errors.ts";
import { type ParsedRecipe, parseRecipe, tryFormatOf } from "../../../src/builder/recipe.ts";
import { includedRecipes } from "../../../src/cli/included-recipes.ts";
import { readRecipe } from "../../../src/cli/recipes.ts";

const FILE = "/recipes/mine.yml";
const SHA256 = "a".repeat(64);

function parse(fields: object): ParsedRecipe {
  return parseRecipe({ name: "mine", from: { debian: "host" }, ...fields }, FILE);
}

function issuesOf(fields: object): readonly Issue[] {
  try {
    parse(fields);
  } catch (error) {
    if (error instanceof InvalidInputError) return error.issues;
    throw error;
  }
  throw new Error("the recipe was taken");
}

describe("parseRecipe", () => {
  it("fills in what is left out", () => {
    expect(parse({})).toEqual({
      ...{ name: "mine", description: undefined, from: { kind: "debian", release: "host" } },
      ...{ boot: "agent", agent: true, sizeBytes: undefined, packages: [], files: [], users: [] },
      ...{ commands: [], firstBoot: [], machine: {}, network: { kind: "isolated" }, timeoutMs: 3_600_000 },
    });
  });

  it("takes paths as they are from where the recipe is", () => {
    const { from, files } = parse({
      from: { disk: { source: "disks/cloud.qcow2", sha256: SHA256 } },
      files: [{ path: "/etc/x", source: "../x", mode: "0600", owner: "root:adm" }],
    });
    expect(from).toEqual({
      ...{ kind: "disk", format: "qcow2" },
      source: { kind: "file", path: "/recipes/disks/cloud.qcow2", sha256: SHA256 },
    });
    expect(files).toEqual([{ path: "/etc/x", content: { file: "/x" }, mode: 0o600, user: "root", group: "adm" }]);
  });

  it("runs text by a shell and a list as it is", () => {
    expect(parse({ commands: ["a | b", ["c", "d e"]] }).commands).toEqual([
      ["sh", "-c", "a | b"],
      ["c", "d e"],
    ]);
  });

  it("reads what is typed into an installer, and gives it more time", () => {
    const recipe = parse({
      from: {
        iso: { source: "a.iso", keys: [{ wait: "2 minutes", type: "yes\n", press: "ctrl-alt-f2" }, { wait: 1 }] },
      },
      sizeGiB: 0.5,
    });
    expect(recipe).toMatchObject({
      from: {
        second: undefined,
        keys: [
          { waitMs: 120_000, type: "yes\n", press: ["ctrl", "alt", "f2"] },
          { waitMs: 1_000, type: "", press: [] },
        ],
      },
      ...{ sizeBytes: 512 * 1_024 ** 2, timeoutMs: 4 * 3_600_000 },
    });
  });

  it("names everything that is wrong at once", () => {
    const paths = issuesOf({
      ...{ from: { image: "debian-minimal" }, boot: "systemd", packges: [], timeout: "soon" },
      files: [
        { path: "/etc/../x", content: "" },
        { path: "/a" },
        { path: "/b", content: "" },
        { path: "/b", content: "" },
      ],
      users: [{ name: "boxcar" }, { name: "dev", uid: 1_001 }, { name: "dev", uid: 1_001 }],
      network: { allow: ["not a host"] },
    }).map(({ path }) => path);
    expect(paths.sort()).toEqual([
      ...["boot", "files[0].path", "files[1]", "files[3].path", "network.allow[0]", "packges", "timeout"],
      ...["users[0].name", "users[2].name", "users[2].uid"],
    ]);
  });

  it.each([
    ["two things it is made from", { from: { debian: "host", image: "x" } }, "from", "at most 1"],
    ["nothing it is made from", { from: {} }, "from", "must not be empty|at least 1|1"],
    ["a URL without a digest", { from: { disk: { source: "https://a.example/x.raw" } } }, "from.disk.sha256", "digest"],
    ["a URL of another kind", { from: { iso: { source: "ftp://a/x.iso" } } }, "from.iso.source", "http"],
    [
      "a second CD without a digest",
      { from: { iso: { source: "a", second: "http://a/b" } } },
      "from.iso.secondSha256",
      "digest",
    ],
    ["a disk of an unknown format", { from: { disk: { source: "a.bin" } } }, "from.disk.format", "does not end in"],
    ["no agent where nothing else would run", { agent: false }, "agent", "nothing else would run"],
    ["a package that is an option", { packages: ["--help"] }, "packages[0]", "name of a package"],
    [
      "a user with a field of passwd in its shell",
      { users: [{ name: "a", shell: "/bin/sh:x" }] },
      "users[0].shell",
      ":",
    ],
    [
      "a key of several lines",
      { users: [{ name: "a", authorizedKeys: ["a\nb"] }] },
      "users[0].authorizedKeys[0]",
      "line",
    ],
    [
      "a wait that is none",
      { from: { iso: { source: "a", keys: [{ wait: "x" }] } } },
      "from.iso.keys[0].wait",
      "seconds",
    ],
  ])("refuses %s", (_what, fields, path, message) => {
    expect(issuesOf(fields)).toContainEqual({ path, message: expect.stringMatching(message) });
  });

  it("knows the format of a disk by its name only", () => {
    expect(tryFormatOf("https://a.example/x.VMDK?y=.raw")).toBe("vmdk");
    expect(tryFormatOf("x.img")).toBe("raw");
    expect(tryFormatOf("x.xz")).toBeUndefined();
  });
});

describe("the recipes that come with Boxcar", () => {
  it("are all good", async () => {
    const names = await includedRecipes();
    expect(names).toEqual(expect.arrayContaining(["debian-ci", "debian-cloud", "debian-desktop", "debian-minimal"]));
    for (const name of names) {
      const recipe = await readRecipe(name, "/");
      expect(recipe.name).toBe(name);
      expect(recipe.description).toMatch(/\.$/);
    }
  });

  it("are named to who asks for another", async () => {
    await expect(readRecipe("debian-maximal", "/")).rejects.toThrow(/included are .*debian-minimal/);
    await expect(readRecipe("./debian-minimal", "/nowhere")).rejects.toThrow("there is no such file");
  });
});
