/** `npm run bench -- [NAME…]`: each compares Boxcar with the raw thing in the same run; a table, then JSON. */

import { type Comparison, formatComparisons } from "./comparison.ts";
import { benchOverhead } from "./overhead.ts";

const BENCHMARKS: Readonly<Record<string, () => Promise<Comparison[]>>> = { overhead: benchOverhead };

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !(name in BENCHMARKS));
if (unknown.length > 0) {
  process.stderr.write(`no benchmark ${unknown.join(", ")}; there are: ${Object.keys(BENCHMARKS).join(", ")}\n`);
  process.exitCode = 2;
} else {
  const names = wanted.length === 0 ? Object.keys(BENCHMARKS) : wanted;
  const results: Comparison[] = [];
  for (const name of names) results.push(...((await BENCHMARKS[name]?.()) ?? []));
  process.stdout.write(`${formatComparisons(results)}\n${JSON.stringify(results)}\n`);
}
