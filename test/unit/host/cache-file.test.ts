import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { readCache, writeCache } from "../../../src/host/cache-file.ts";

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "boxcar-cache-file-"));
});

afterEach(() => rm(directory, { recursive: true }));

it("keeps one whole answer of many that one process writes at the same time", async () => {
  const file = join(directory, "folder", "answer.json");
  const texts = Array.from({ length: 50 }, (_, index) => String(index).repeat(1_000 * (50 - index)));
  await Promise.all(texts.map((text) => writeCache(file, { text })));
  expect(texts).toContain((await readCache<{ text: string }>(file))?.text);
  expect(await readdir(join(directory, "folder"))).toEqual(["answer.json"]);
});
