/** Rows of text under each other. Pure. */

/** Columns as wide as what is in them. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_cell, column) => Math.max(...rows.map((row) => (row[column] ?? "").length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** 2026-11-21 08:07, in UTC. */
export function minute(time: Date): string {
  return time.toISOString().slice(0, 16).replace("T", " ");
}
