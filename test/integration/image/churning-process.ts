/**
 * Imports the archive argv[3], whose parent is argv[4], into the store argv[2] with both archives kept, and removes them
 * again, for ever. Says when it begins, and how long the first round took.
 */
import { flushCompileCache } from "node:module";
import { fileSource } from "../../../src/image/store/archive-source.ts";
import { ImageStore } from "../../../src/image/store/image-store.ts";

const [directory, child, parent] = process.argv.slice(2) as [string, string, string];
const store = await ImageStore.open({ directory, limits: { reserveBytes: 0 } });
process.stdout.write("begins\n");
for (let round = 0; ; round++) {
  const begin = performance.now();
  const image = await store.import(child, { keepArchive: true, tag: "child", bringParent: () => fileSource(parent) });
  await store.remove("child");
  await store.remove(image.parent as string);
  if (round > 0) continue;
  const roundMs = performance.now() - begin;
  flushCompileCache();
  process.stdout.write(`${roundMs}\n`);
}
