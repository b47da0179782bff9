/** Claims one task in a process of its own, and says on standard output what becomes of it. */
import { silentLogger } from "../../../src/base/log.ts";
import type { TaskclusterOptions } from "../../../src/queue/taskcluster/options.ts";
import { TaskclusterQueue } from "../../../src/queue/taskcluster/taskcluster-queue.ts";

const options = JSON.parse(process.argv[2] ?? "") as TaskclusterOptions;
await using queue = await TaskclusterQueue.open({ ...options, logger: silentLogger });
const [claim] = await queue.claim(1, new AbortController().signal);
if (claim === undefined) throw new Error("nothing was claimed");
const { promise, resolve } = Promise.withResolvers<void>();
claim.lost.addEventListener("abort", () => resolve());
console.log(`claimed ${claim.task.taskId}`);
const alive = setInterval(() => {}, 1_000);
await promise;
clearInterval(alive);
await claim.resolve({ kind: "completed" });
console.log(`lost ${claim.lost.reason.reason}`);
