import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { inputsOf, uuidOf } from "../../../src/builder/inputs.ts";
import { parseRecipe } from "../../../src/builder/recipe.ts";

const folder = mkdtempSync(join(tmpdir(), "boxcar-inputs-"));
afterAll(() => rmSync(folder, { recursive: true }));

const [agentBinary, initBinary, data] = ["agent", "init", "data"].map((name) => join(folder, name)) as [
  string,
  string,
  string,
];
for (const file of [agentBinary, initBinary, data]) writeFileSync(file, file);
const programs = { agentBinary, initBinary };

async function inputs(fields: object = {}, directory = folder, parent?: string) {
  const recipe = parseRecipe({ name: "x", from: { debian: "host" }, ...fields }, join(directory, "x.yml"));
  return await inputsOf(recipe, programs, parent);
}

it("are the same for the same recipe, wherever it is", async () => {
  const files = [{ path: "/a", source: data }];
  expect(await inputs({ files }, "/elsewhere")).toEqual(await inputs({ files }));
});

it("tell apart recipes, programs, files and parents", async () => {
  const files = [{ path: "/a", source: "data" }];
  const first = await inputs({ files });
  expect(Object.keys(first)).toEqual(["recipe", "boxcar-agent", "boxcar-init", "file /a"]);
  expect((await inputs({ files, packages: ["git"] }))["recipe"]).not.toBe(first["recipe"]);
  writeFileSync(data, "changed");
  writeFileSync(agentBinary, "changed");
  const second = await inputs({ files });
  expect(second["recipe"]).toBe(first["recipe"]);
  for (const name of ["boxcar-agent", "file /a"]) expect(second[name]).not.toBe(first[name]);
  const from = { image: "base" };
  expect(await inputs({ from }, folder, "a".repeat(64))).toMatchObject({ image: "a".repeat(64) });
});

it("name the file that is not there", async () => {
  await expect(inputs({ files: [{ path: "/a", source: "none" }] })).rejects.toThrow(
    /files\[0\]\.source: .*none is not there/,
  );
});

it("of a folder that becomes a CD are those of all that is in it", async () => {
  const second = join(folder, "second");
  mkdirSync(join(second, "sub"), { recursive: true });
  writeFileSync(join(second, "sub", "answers"), "a");
  symlinkSync("sub/answers", join(second, "link"));
  writeFileSync(join(folder, "cd.iso"), "iso");
  const from = { iso: { source: "cd.iso", second: "second" } };
  const first = (await inputs({ from }))["second"];
  expect(first).toMatch(/^[0-9a-f]{64}$/);
  expect((await inputs({ from }))["second"]).toBe(first);
  writeFileSync(join(second, "sub", "answers"), "b");
  expect((await inputs({ from }))["second"]).not.toBe(first);
});

it("are not read from what has no end", async () => {
  const files = [{ path: "/a", source: "/dev/zero" }];
  await expect(inputs({ files })).rejects.toThrow(/files\[0\]\.source: \/dev\/zero is no plain file/);
});

it("make an identity in the form of RFC 4122", async () => {
  const uuid = uuidOf({ a: "1" });
  expect(uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(uuidOf({ a: "1" })).toBe(uuid);
  expect(uuidOf({ a: "2" })).not.toBe(uuid);
});
