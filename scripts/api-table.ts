/** The operations of the API as a table for people, in Markdown. Pure. */
import type { Route } from "../src/web/api/route.ts";
import type { SocketRoute } from "../src/web/api/socket-route.ts";

const HEAD = ["operation", "what it does", "permission"];

/** By path; each row as wide as the widest, as formatters have it. */
export function apiTable({
  routes,
  sockets,
}: {
  routes: readonly Pick<Route, "method" | "path" | "summary" | "permission">[];
  sockets: readonly Pick<SocketRoute, "path" | "summary" | "permission">[];
}): string {
  const rows = [
    ...routes.map(({ method, path, summary, permission }) => ({ path, cells: [method, summary, permission] })),
    ...sockets.map(({ path, summary, permission }) => ({ path, cells: ["websocket", summary, permission] })),
  ]
    .sort((a, b) => compare(a.path, b.path))
    .map(({ path, cells: [verb, summary = "", permission = "-"] }) => [
      `${verb} \`${path.replace("{+", "{").replace("/api/v1", "")}\``,
      summary,
      permission,
    ]);
  const widths = HEAD.map((_, column) => Math.max(...[HEAD, ...rows].map((row) => width(row[column] ?? ""))));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell + " ".repeat((widths[column] ?? 0) - width(cell))).join(" | ")} |`;
  const rule = widths.map((count) => "-".repeat(count));
  return [HEAD, rule, ...rows].map(line).join("\n");
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function width(text: string): number {
  return [...text].length;
}
