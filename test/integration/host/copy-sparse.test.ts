import { mkdtemp, open, readdir, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { copySparse } from "../../../src/host/copy-sparse.ts";

const MIB = 1_024 ** 2;

let directory: string;
let source: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "bx-"));
  source = join(directory, "source");
  await writeFile(source, "begin", { mode: 0o644 });
  await truncate(source, 64 * MIB);
  await using file = await open(source, "r+");
  await file.write(Buffer.from("middle"), 0, 6, 40 * MIB + 3);
});
afterAll(() => rm(directory, { recursive: true, force: true }));

it("copies what is in a file, and its holes as holes, for this user alone", async () => {
  const target = join(directory, "target");
  await copySparse(source, target);
  expect((await readFile(target)).equals(await readFile(source))).toBe(true);
  const { size, blocks, mode } = await stat(target);
  expect([size, mode & 0o777]).toEqual([64 * MIB, 0o600]);
  expect(blocks * 512).toBeLessThan(MIB);
  await expect(copySparse(source, target)).rejects.toMatchObject({ code: "EEXIST" });
});

it("leaves nothing of a copy that fails, or is not wanted any more", async () => {
  const before = await readdir(directory);
  await expect(copySparse(join(directory, "none"), join(directory, "copy"))).rejects.toThrow();
  const given = new AbortController();
  const copying = copySparse(source, join(directory, "copy"), given.signal);
  given.abort(new Error("not wanted"));
  await expect(copying).rejects.toThrow("not wanted");
  expect(await readdir(directory)).toEqual(before);
});
