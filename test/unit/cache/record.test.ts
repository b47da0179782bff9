import { describe, expect, it } from "vitest";
import { formatRecord, type Generation, tryParseRecord } from "../../../src/cache/record.ts";

const GENERATION: Generation = {
  id: "8f3a9b2e-0000-4000-8000-000000000001",
  sizeBytes: 1_048_576,
  created: "2026-11-21T11:24:28.542Z",
  isEmpty: false,
  layers: [
    { file: "8f3a9b2e-0000-4000-8000-000000000000.raw", format: "raw" },
    { file: "8f3a9b2e-0000-4000-8000-000000000001.qcow2", format: "qcow2" },
  ],
};

describe("the record of a cache", () => {
  it("is read as it was written", () => {
    expect(tryParseRecord(formatRecord(GENERATION))).toEqual(GENERATION);
  });

  it.each([
    ["no JSON", "{"],
    ["nothing", "null"],
    ["another version", JSON.stringify({ ...GENERATION, version: 2 })],
    ["no layers", JSON.stringify({ ...GENERATION, version: 1, layers: [] })],
    ["a layer elsewhere", formatRecord({ ...GENERATION, layers: [{ file: "../../../etc/passwd", format: "raw" }] })],
    ["a layer that is none", JSON.stringify({ ...GENERATION, version: 1, layers: [null] })],
    ["a layer of another kind", formatRecord(GENERATION).replace('"format":"raw"', '"format":"vmdk"')],
  ])("is not read if it holds %s", (_what, text) => {
    expect(tryParseRecord(text)).toBeUndefined();
  });
});
