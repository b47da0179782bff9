/** Imports the archive argv[3] into the store argv[2] slowly, for ever; says so once it is in the middle of it. */
import { createReadStream } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { ImageStore } from "../../../src/image/store/image-store.ts";

const [directory, archive] = process.argv.slice(2) as [string, string];
const store = await ImageStore.open({ directory, limits: { reserveBytes: 0 } });
const stats = { bytes: 0 };
await store.import({
  key: "the same archive",
  bytes: undefined,
  sha256: undefined,
  async *open() {
    for await (const chunk of createReadStream(archive, { highWaterMark: 10_000 })) {
      stats.bytes += chunk.length;
      yield chunk;
      if (stats.bytes < 100_000) continue;
      process.stdout.write("importing\n");
      await delay(2 ** 31 - 1);
    }
  },
});
