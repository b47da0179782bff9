/** `import-one.ts STORE ARCHIVE`: imports it, whatever comes of it; prints the most memory this process had, MiB. */
import { DEFAULT_LIMITS } from "../../../../src/image/archive/format.ts";
import { ImageStore } from "../../../../src/image/store/image-store.ts";

const [directory = "", archive = ""] = process.argv.slice(2);
await using store = await ImageStore.open({ directory, limits: { ...DEFAULT_LIMITS, reserveBytes: 0 } });
await store.import(archive).catch(() => undefined);
process.stdout.write(String(process.resourceUsage().maxRSS / 1_024));
