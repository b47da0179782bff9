import { readFileSync } from "node:fs";
import { parser } from "@prometheus-io/lezer-promql";
import { describe, expect, it } from "vitest";
import { attachedMetrics } from "../../fixtures/telemetry/attached-metrics.ts";

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly expr: string; readonly refId: string; readonly legendFormat: string }[];
}

interface Dashboard {
  readonly uid: string;
  readonly schemaVersion: number;
  readonly panels: readonly Panel[];
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly query: string | { query: string } }[];
  };
}

const file = new URL("../../../config/grafana/boxcar.json", import.meta.url);
const { uid, schemaVersion, panels, templating } = JSON.parse(readFileSync(file, "utf8")) as Dashboard;
const shown = panels.filter(({ type }) => type !== "row");
const metrics = attachedMetrics().describe();
const series = new Set(metrics.flatMap(({ name, type }) => [name, ...(type === "histogram" ? parts(name) : [])]));

function parts(histogram: string): string[] {
  return ["_bucket", "_sum", "_count"].map((suffix) => histogram + suffix);
}

describe("config/grafana/boxcar.json", () => {
  it("is a dashboard whose panels have names, queries and places of their own", () => {
    expect({ uid, hasVersion: schemaVersion > 30 }).toEqual({ uid: "boxcar", hasVersion: true });
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    for (const { title, targets = [], gridPos } of shown) {
      expect(title).not.toBe("");
      expect(targets.length, title).toBeGreaterThan(0);
      expect(new Set(targets.map(({ refId }) => refId)).size, title).toBe(targets.length);
      expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24);
    }
    const overlaps = panels.filter(({ id, gridPos: a }) =>
      panels.some(({ id: other, gridPos: b }) => {
        const isBeside = a.x + a.w <= b.x || b.x + b.w <= a.x || a.y + a.h <= b.y || b.y + b.h <= a.y;
        return other !== id && !isBeside;
      }),
    );
    expect(overlaps).toEqual([]);
  });

  it("asks only for what there is", () => {
    const queries = templating.list.map(({ query }) => (typeof query === "string" ? query : query.query));
    const expressions = [...shown.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)), ...queries];
    const names = expressions.flatMap((text) => text.match(/\b(?:boxcar|process|nodejs)_\w+/g) ?? []);
    expect(names.filter((name) => !series.has(name))).toEqual([]);
    expect(names.length).toBeGreaterThan(40);
  });

  it("shows every metric of Boxcar", () => {
    const text = shown.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)).join("\n");
    const own = metrics.map(({ name }) => name).filter((name) => name.startsWith("boxcar_"));
    expect(own.filter((name) => !new RegExp(`\\b${name}(?:_bucket)?\\{`).test(text))).toEqual([]);
  });

  it("asks for labels that these metrics have", () => {
    const given = new Set(["job", "instance", "le"]);
    for (const { targets = [] } of shown) {
      for (const { expr } of targets) {
        const name = /\b(?:boxcar|process|nodejs)_\w+?(?=_bucket|\{)/.exec(expr)?.[0];
        const labels = new Set(metrics.find((metric) => metric.name === name)?.labels);
        const asked = [...expr.matchAll(/(\w+)(?:=~|!=|=)"/g)].map(([, label = ""]) => label);
        const grouped = [...expr.matchAll(/by \(([^)]*)\)/g)].flatMap(([, list = ""]) => list.split(/, */));
        const unknown = [...asked, ...grouped].filter((label) => !labels.has(label) && !given.has(label));
        expect(unknown, expr).toEqual([]);
      }
    }
  });

  it("asks in the language of Prometheus", () => {
    for (const { targets = [] } of shown) {
      for (const { expr } of targets) {
        const faults: number[] = [];
        parser.parse(expr.replaceAll("$__rate_interval", "5m")).iterate({
          enter: ({ type, from }) => void (type.isError && faults.push(from)),
        });
        expect(faults, expr).toEqual([]);
      }
    }
  });
});
