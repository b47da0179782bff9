import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import { linesBackward } from "../../../src/access/lines-backward.ts";

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp("/tmp/bxa-");
});

afterAll(() => rm(folder, { recursive: true, force: true }));

it("reads the lines of any file, the last one first, whatever its blocks cut through", async () => {
  const line = fc.string({ unit: "binary", maxLength: 20 }).map((text) => text.replaceAll("\n", "ü"));
  const file = fc.tuple(fc.array(line), fc.boolean(), fc.integer({ min: 1, max: 30 }));
  await fc.assert(
    fc.asyncProperty(file, async ([lines, endsWithNewline, blockBytes]) => {
      const path = join(folder, "file");
      // Lone surrogates are no text in a file.
      const content = Buffer.from(lines.join("\n") + (endsWithNewline ? "\n" : "")).toString();
      await writeFile(path, content);
      const found: string[] = [];
      for await (const each of linesBackward(path, blockBytes)) found.push(each);
      expect(found.reverse()).toEqual(content.split("\n").filter((text) => text !== ""));
    }),
    { numRuns: 100 },
  );
});

it("finds nothing in a file that is not there", async () => {
  for await (const each of linesBackward(join(folder, "none"))) expect(each).toBeUndefined();
});
