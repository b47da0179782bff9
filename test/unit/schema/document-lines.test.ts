import fc from "fast-check";
import { expect, it } from "vitest";
import { placesIn } from "../../../src/schema/document-lines.ts";
import { joinPath, stepsOfPath } from "../../../src/schema/document-path.ts";

const yaml = `# a comment
limits:
  maxRunTime: soon
  "odd key": 1
list:
  - a
  - name: x
    file: y
flow: {in: side, 7: seven}
`;

it.each([
  ["limits", 2, 1],
  ["limits.maxRunTime", 3, 3],
  ['limits["odd key"]', 4, 3],
  ["list[1]", 7, 5],
  ["list[1].file", 8, 5],
  ["flow.in", 9, 8],
  ['flow["7"]', 9, 18],
  ["limits.notThere", 2, 1],
  ["list[9].name", 5, 1],
])("finds %s at line %i, column %i", (path, line, column) => {
  expect(placesIn(yaml)(path)).toEqual({ line, column });
});

it("finds nothing where there is nothing", () => {
  expect(placesIn(yaml)("elsewhere")).toBeUndefined();
  expect(placesIn(yaml)("")).toBeUndefined();
  expect(placesIn("")("a.b")).toBeUndefined();
});

it("finds places in JSON", () => {
  expect(placesIn('{\n  "a": {\n    "b": 1}}')("a.b")).toEqual({ line: 3, column: 5 });
});

it("reads every path that is written", () => {
  const step = fc.oneof(fc.nat(), fc.string({ maxLength: 60, unit: "grapheme" }));
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      expect(stepsOfPath(steps.reduce<string>(joinPath, ""))).toEqual(steps);
    }),
  );
});
