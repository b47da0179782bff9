/** Acquires a cache, says so, and holds it until it is killed. */
import { CacheStore } from "../../../src/cache/cache-store.ts";

const [directory, name] = process.argv.slice(2) as [string, string];
const store = await CacheStore.open({ directory });
await store.acquire(name, { mode: "exclusive", sizeBytes: 32 * 1_048_576 });
process.stdout.write("held\n");
setInterval(() => {}, 1_000);
