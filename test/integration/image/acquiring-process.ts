/** Acquires the image at the URL argv[3] for argv[4] tasks at once; says so, and what came of it. */
import { acquireImage } from "../../../src/image/source/acquire.ts";
import { EVERY_SOURCE } from "../../../src/image/source/policy.ts";
import { ImageStore } from "../../../src/image/store/image-store.ts";
import { CountingZstd } from "./counting-zstd.ts";

const [directory, url, tasks] = process.argv.slice(2) as [string, string, string];
const zstd = new CountingZstd();
await using store = await ImageStore.open({ directory, limits: { reserveBytes: 0 }, zstd });
const acquiring = Array.from({ length: Number(tasks) }, () => acquireImage(store, url, { policy: EVERY_SOURCE }));
process.stdout.write("asking\n");
const leases = await Promise.all(acquiring);
const digests = leases.map(({ image }) => image.digest);
for (const lease of leases) await lease[Symbol.asyncDispose]();
process.stdout.write(`${JSON.stringify({ digests, unpacked: zstd.unpacked })}\n`);
