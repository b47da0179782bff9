import { describe, expect, it } from "vitest";
import { minute, table } from "../../../src/cli/table.ts";

describe("a table", () => {
  it("has no rows but its own, whatever is in a cell", () => {
    const rows = table([
      ["built", "yesterday by somebody\nsigned  by a trusted key\r\nmore\u2028again"],
      ["signed", "by nobody"],
    ]);
    expect(rows.split(/[\n\r\u2028\u2029]/)).toEqual([
      "built   yesterday by somebody signed  by a trusted key more again",
      "signed  by nobody",
    ]);
  });
});

describe("a time", () => {
  it("is shown to the minute, in UTC", () => {
    expect(minute(new Date("2026-11-21T08:07:59Z"))).toBe("2026-11-21 08:07");
  });

  // RFC 3339 has them, and images and registries come from strangers.
  it.each(["2016-12-31T23:59:60Z", "2016-12-31T23:59:59+05"])("that no clock shows is unknown: %s", (text) => {
    expect(minute(new Date(text))).toBe("-");
  });
});
