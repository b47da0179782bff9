/** What a benchmark found, as a table for people. */

export interface Row {
  name: string;
  /** Milliseconds. */
  p50: number;
  p95: number;
  rounds: number;
}

export interface Report {
  title: string;
  rows: Row[];
  /** Sentences. */
  facts: string[];
}

export function summarize(values: readonly number[]): Omit<Row, "name"> {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  return { p50: at(0.5), p95: at(0.95), rounds: values.length };
}

export function formatReport({ title, rows, facts }: Report): string {
  const width = Math.max(title.length, ...rows.map(({ name }) => name.length));
  const line = (name: string, ...cells: string[]) =>
    [name.padEnd(width), ...cells.map((cell) => cell.padStart(8))].join(" ");
  return [
    line(title, "p50", "p95", "rounds"),
    ...rows.map(({ name, p50, p95, rounds }) =>
      line(name, String(Math.round(p50)), String(Math.round(p95)), String(rounds)),
    ),
    ...facts,
  ].join("\n");
}
