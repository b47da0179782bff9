import { expect, it } from "vitest";
import { formatDocument, MAX_TAGS, parseTagList } from "../../../../src/image/registry/documents.ts";

const digest = `sha256:${"ab".repeat(32)}`;
const tag = (name: string) => ({
  name,
  digest,
  bytes: 1,
  parents: Array(16).fill(digest),
  created: "2026-11-21T10:00:00Z",
});

it("a list of as many names as there may be is taken", () => {
  const list = Array.from({ length: MAX_TAGS }, (_, index) => tag(`n${index}`));
  expect(parseTagList(Buffer.from(formatDocument(list)), "it")).toHaveLength(MAX_TAGS);
});

it.each([
  ["values", "[],", /holds more than \d+ values/],
  ["depth", "[", /is nested more than \d+ deep/],
])("a list that would take far more memory than its bytes is refused before: %s", (_what, part, message) => {
  expect(() => parseTagList(Buffer.from(`[${part.repeat(1_000_000)}`), "it")).toThrow(message);
});
