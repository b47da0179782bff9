/** `npm run bench -- [NAME…] [--rounds N]`: each compares Boxcar with the raw thing in the same run; a table, then JSON. */

import { parseArgs } from "node:util";
import { formatComparisons } from "./comparison.ts";
import { benchImage, formatImageCosts } from "./image.ts";
import { benchLog, formatThroughput } from "./log.ts";
import { benchMachines, formatMachineCosts } from "./machines.ts";
import { benchNetwork, formatNetworkReport } from "./network.ts";
import { benchOverhead } from "./overhead.ts";
import { benchQueue, formatQueueReport } from "./queue.ts";
import { formatReport } from "./report.ts";
import { benchWarmStart } from "./warm-start.ts";
import { benchWatchers, formatWatched } from "./watchers.ts";
import { benchWorker, formatWorkerReport } from "./worker.ts";

/** Each prints its table, and resolves with what is to be JSON. Of how many rounds not all leave the choice. */
const BENCHMARKS: Readonly<Record<string, (rounds: number | undefined) => Promise<object>>> = {
  overhead: async () => {
    const comparisons = await benchOverhead();
    print(formatComparisons(comparisons));
    return comparisons;
  },
  image: async (rounds) => {
    const costs = await benchImage(rounds);
    print(formatImageCosts(costs));
    return costs;
  },
  log: async () => {
    const results = await benchLog();
    print(formatThroughput(results));
    return results;
  },
  machines: async (rounds) => {
    const costs = await benchMachines(rounds);
    print(formatMachineCosts(costs));
    return costs;
  },
  network: async (rounds) => {
    const report = await benchNetwork(rounds);
    print(formatNetworkReport(report));
    return report;
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
  watchers: async (rounds) => {
    const results = await benchWatchers(rounds);
    print(formatWatched(results));
    return results;
  },
  "warm-start": async () => {
    const report = await benchWarmStart();
    print(formatReport(report));
    return report;
  },
};

const NAMES = Object.keys(BENCHMARKS).join(", ");
const USAGE = `usage: npm run bench -- [NAME…] [--rounds N]

Compares Boxcar with the raw thing in the same run; prints a table, then JSON. Without a name, all of them: ${NAMES}.
`;

const { values, positionals: wanted } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: "string" }, help: { type: "boolean", short: "h" } },
});
const rounds = values.rounds === undefined ? undefined : Number(values.rounds);
const unknown = wanted.filter((name) => !(name in BENCHMARKS));
if (values.help === true) {
  process.stdout.write(USAGE);
} else if (rounds !== undefined && !(Number.isInteger(rounds) && rounds > 0)) {
  process.stderr.write("--rounds must be a whole number above 0\n");
  process.exitCode = 2;
} else if (unknown.length > 0) {
  process.stderr.write(`no benchmark ${unknown.join(", ")}; there are: ${NAMES}\n`);
  process.exitCode = 2;
} else {
  const results: Record<string, object | undefined> = {};
  for (const name of wanted.length === 0 ? Object.keys(BENCHMARKS) : wanted)
    results[name] = await BENCHMARKS[name]?.(rounds);
  print(JSON.stringify(results));
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
