/** `npm run bench -- [NAME…]`: each compares Boxcar with the raw thing in the same run; a table, then JSON. */

import { formatComparisons } from "./comparison.ts";
import { benchLog, formatThroughput } from "./log.ts";
import { benchOverhead } from "./overhead.ts";
import { benchQueue, formatQueueReport } from "./queue.ts";
import { formatReport } from "./report.ts";
import { benchWarmStart } from "./warm-start.ts";
import { benchWorker, formatWorkerReport } from "./worker.ts";

/** Each prints its table, and resolves with what is to be JSON. */
const BENCHMARKS: Readonly<Record<string, () => Promise<object>>> = {
  overhead: async () => {
    const comparisons = await benchOverhead();
    print(formatComparisons(comparisons));
    return comparisons;
  },
  log: async () => {
    const results = await benchLog();
    print(formatThroughput(results));
    return results;
  },
  queue: async () => {
    const report = await benchQueue();
    print(formatQueueReport(report));
    return report;
  },
  worker: async () => {
    const costs = await benchWorker();
    print(formatWorkerReport(costs));
    return costs;
  },
  "warm-start": async () => {
    const report = await benchWarmStart();
    print(formatReport(report));
    return report;
  },
};

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !(name in BENCHMARKS));
if (unknown.length > 0) {
  process.stderr.write(`no benchmark ${unknown.join(", ")}; there are: ${Object.keys(BENCHMARKS).join(", ")}\n`);
  process.exitCode = 2;
} else {
  const results: Record<string, object | undefined> = {};
  for (const name of wanted.length === 0 ? Object.keys(BENCHMARKS) : wanted) results[name] = await BENCHMARKS[name]?.();
  print(JSON.stringify(results));
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
