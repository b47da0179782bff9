/** Exports a machine to the file argv[2], says when it is at that, and stays there. */
import { mkdtemp } from "node:fs/promises";
import { dirname, join } from "node:path";
import { BinaryZstd } from "../../../src/image/zstd/binary-zstd.ts";
import { exportSnapshot } from "../../../src/snapshot/archive/export.ts";
import { SnapshotStore } from "../../../src/snapshot/snapshot-store.ts";
import { makeBase, save } from "./saved-files.ts";

const [file = ""] = process.argv.slice(2);
const directory = await mkdtemp(join(dirname(dirname(file)), "store-"));
const store = await SnapshotStore.open({ directory, images: { pin: async () => {} }, reserveBytes: 0 });
const saved = await save(store, await makeBase(join(directory, "disk.img")));
const onProgress = () => {
  process.stdout.write("exports\n");
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
};
await exportSnapshot(saved, file, { zstd: new BinaryZstd(), onProgress });
