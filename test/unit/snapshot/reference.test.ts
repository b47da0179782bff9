import { describe, expect, it } from "vitest";
import { findByReference } from "../../../src/snapshot/reference.ts";
import type { SnapshotEntry } from "../../../src/snapshot/saved-machine.ts";
import { saved } from "./saved.ts";

const ENTRIES: SnapshotEntry[] = [
  saved("aaaa11112222", { name: "mine" }),
  saved("aaaa33334444", { name: "aaaa11112222" }),
  saved("bbbb11112222", { name: "aaa" }),
  { kind: "damaged", id: "cccc11112222", why: "", diskBytes: 0 },
];

describe("a reference to a snapshot", () => {
  it.each([
    ["aaaa11112222", "aaaa11112222"],
    ["mine", "aaaa11112222"],
    ["aaa", "bbbb11112222"],
    ["bbb", "bbbb11112222"],
    ["cccc1", "cccc11112222"],
  ])("%s is %s", (reference, id) => {
    expect(findByReference(reference, ENTRIES).id).toBe(id);
  });

  it.each([
    ["aaaa", "snapshot-ambiguous"],
    ["bb", "snapshot-not-found"],
    ["dddd", "snapshot-not-found"],
    ["../x", "snapshot-reference-invalid"],
    ["", "snapshot-reference-invalid"],
    ["x".repeat(64), "snapshot-reference-invalid"],
  ])("%s is refused with %s", (reference, code) => {
    expect(() => findByReference(reference, ENTRIES)).toThrow(expect.objectContaining({ code }));
  });
});
