import { mkdtempDisposable, open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { findData } from "../../../src/image/archive/data-map.ts";

const KIB = 1_024;

it.each([
  ["here", Infinity],
  ["in a thread", 0],
])("finds the same blocks of data, whatever is known of holes, %s", async (_where, minThreadBytes) => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "boxcar-map-"));
  await using file = await open(join(folder.path, "disk.img"), "w+");
  const bytes = 1_000 * KIB + 7;
  await file.truncate(bytes);
  for (const offset of [70 * KIB, 128 * KIB, 500 * KIB, bytes - 1]) await file.write("x", offset);
  await file.write(Buffer.alloc(4 * KIB), 0, 4 * KIB, 300 * KIB);
  const expected = [
    { offset: 64 * KIB, bytes: 128 * KIB },
    { offset: 448 * KIB, bytes: 64 * KIB },
    { offset: 960 * KIB, bytes: 40 * KIB + 7 },
  ];
  expect(await findData(file, bytes, { minThreadBytes })).toEqual(expected);
  const page = (offset: number) => ({ offset: offset - (offset % (4 * KIB)), bytes: 4 * KIB });
  const extents = [70 * KIB, 128 * KIB, 300 * KIB, 500 * KIB, bytes - 1].map(page);
  expect(await findData(file, bytes, { extents, minThreadBytes })).toEqual(expected);
  expect(await findData(file, bytes, { extents: [], minThreadBytes })).toEqual([]);
});

it("fails where the file becomes shorter, and ends with its signal, in a thread", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "boxcar-map-"));
  await using file = await open(join(folder.path, "disk.img"), "w+");
  await file.write("x");
  await expect(findData(file, 100 * KIB, { minThreadBytes: 0 })).rejects.toThrow("shorter");
  const controller = new AbortController();
  const searching = findData(file, 1, { minThreadBytes: 0, signal: controller.signal });
  controller.abort(new Error("enough"));
  await expect(searching).rejects.toThrow("enough");
});
