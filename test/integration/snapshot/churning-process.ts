/**
 * Saves and removes machines in the store argv[2], on the disk argv[3], for ever; each is under a lease for a moment.
 * Says when it begins, and how long the first round took.
 */
import { flushCompileCache } from "node:module";
import { SnapshotStore } from "../../../src/snapshot/snapshot-store.ts";
import { save } from "./saved-files.ts";

const [directory, disk] = process.argv.slice(2) as [string, string];
const base = { files: { "disk.img": disk }, sizes: { virtualBytes: 1_048_576 } };
const store = await SnapshotStore.open({ directory, images: { pin: async () => {} }, reserveBytes: 0 });
process.stdout.write("begins\n");
for (let round = 0; ; round++) {
  const begin = performance.now();
  const saved = await save(store, base, { name: `of-${process.pid}` }, { maxCount: 3, whenFull: "drop-oldest" });
  {
    await using lease = await store.acquire(saved.id);
    if (lease.saved.id !== saved.id) throw new Error("another one was leased");
  }
  await store.remove(saved.id);
  if (round > 0) continue;
  const roundMs = performance.now() - begin;
  flushCompileCache();
  process.stdout.write(`${roundMs}\n`);
}
