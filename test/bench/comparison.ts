/** Two ways to the same end, measured by turns. */

export interface Comparison {
  name: string;
  /** Medians, milliseconds. */
  rawMs: number;
  boxcarMs: number;
  rounds: number;
}

/** Runs both by turns, so that what else the host does meets both. */
export async function compare(
  name: string,
  rounds: number,
  raw: () => Promise<number>,
  boxcar: () => Promise<number>,
): Promise<Comparison> {
  const times: { raw: number[]; boxcar: number[] } = { raw: [], boxcar: [] };
  for (let round = 0; round < rounds; round++) {
    times.raw.push(await raw());
    times.boxcar.push(await boxcar());
  }
  return { name, rawMs: median(times.raw), boxcarMs: median(times.boxcar), rounds };
}

export function formatComparisons(comparisons: readonly Comparison[]): string {
  const rows = comparisons.map(({ name, rawMs, boxcarMs, rounds }) =>
    [
      name.padEnd(44),
      ms(rawMs),
      ms(boxcarMs),
      (boxcarMs / rawMs).toFixed(2).padStart(7),
      String(rounds).padStart(7),
    ].join(" "),
  );
  const head = ["benchmark".padEnd(44), "    raw ms", " boxcar ms", "  ratio", " rounds"].join(" ");
  return [head, ...rows].join("\n");
}

function ms(value: number): string {
  return Math.round(value).toString().padStart(10);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
