import { expect, it } from "vitest";
import { formatTraceParent, tryParseTraceParent } from "../../../src/telemetry/traceparent.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const SPAN = "b7ad6b7169203331";

it.each([
  [`00-${TRACE}-${SPAN}-01`, true],
  [`00-${TRACE}-${SPAN}-00`, false],
  [`00-${TRACE}-${SPAN}-03`, true],
  [`cc-${TRACE}-${SPAN}-01-what-comes-later`, true],
])("%s is a trace", (text, sampled) => {
  expect(tryParseTraceParent(text)).toEqual({ traceId: TRACE, spanId: SPAN, sampled });
});

it.each([
  "",
  `ff-${TRACE}-${SPAN}-01`,
  `00-${TRACE}-${SPAN}-01-more`,
  `00-${TRACE.toUpperCase()}-${SPAN}-01`,
  `00-${"0".repeat(32)}-${SPAN}-01`,
  `00-${TRACE}-${"0".repeat(16)}-01`,
  `00-${TRACE}-${SPAN}-1`,
  ` 00-${TRACE}-${SPAN}-01`,
  `00-${TRACE}-${SPAN}-01\n`,
])("%j is none", (text) => {
  expect(tryParseTraceParent(text)).toBeUndefined();
});

it("is written as it is read", () => {
  const text = `00-${TRACE}-${SPAN}-01`;
  expect(formatTraceParent({ traceId: TRACE, spanId: SPAN, sampled: true })).toBe(text);
});
