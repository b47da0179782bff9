/** Rows of text under each other. Pure. */

/** Columns as wide as what is in them. */
export function table(rows: readonly (readonly string[])[]): string {
  const lines = rows.map((row) => row.map(inOneLine));
  const widths = (rows[0] ?? []).map((_cell, column) => Math.max(...lines.map((row) => (row[column] ?? "").length)));
  return lines
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** What others have written must not look like a row. */
function inOneLine(cell: string): string {
  return cell.replaceAll(/[\n\r\t\u2028\u2029]+/g, " ");
}

/** 2026-11-21 08:07, in UTC; "-" of what is no time, such as a leap second, which RFC 3339 has. */
export function minute(time: Date): string {
  if (Number.isNaN(time.getTime())) return "-";
  return time.toISOString().slice(0, 16).replace("T", " ");
}
