import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { attachedMetrics } from "../../fixtures/telemetry/attached-metrics.ts";
import { metricsTable } from "../../fixtures/telemetry/metrics-table.ts";

const page = readFileSync(new URL("../../../docs/observability.md", import.meta.url), "utf8");

it("docs/observability.md has a line for every metric", () => {
  const lines = page.split("\n");
  const begin = lines.findIndex((line) => line.startsWith("| metric "));
  const table = lines.slice(begin, lines.indexOf("", begin));
  expect(table).toEqual(metricsTable(attachedMetrics().describe()));
});
