import { describe, expect, it } from "vitest";
import { reclaimedText, vmTable, vmText } from "../../../../src/cli/vm/describe.ts";
import { draftRecord } from "../../hypervisor/records.ts";

const DIGEST = `sha256:${"ab".repeat(32)}`;

describe("what was put right", () => {
  it("is said of each, and counted", () => {
    const done = [
      { id: "aaaaaaaaaaaa", done: "removed" },
      { id: "bbbbbbbbbbbb", done: "expired" },
      { id: "cccccccccccc", done: "stopped" },
      { id: "dddddddddddd", done: "expired" },
    ] as const;
    expect(reclaimedText(done).split("\n")).toEqual([
      "machine aaaaaaaaaaaa removed: it was half made",
      "snapshot bbbbbbbbbbbb expired: removed",
      "machine cccccccccccc stopped: its supervisor was killed",
      "snapshot dddddddddddd expired: removed",
      "1 machine removed, 1 stopped; 2 snapshots removed",
    ]);
    expect(reclaimedText([])).toMatch(/nothing that a dead process has left, and nothing that has expired/);
  });
});

describe("a machine for people", () => {
  it("has the name of its image, or the digest as a list of images has it", () => {
    const viewOf = (reference: string) => ({
      record: draftRecord({ image: { digest: DIGEST, reference } }),
      isStale: false,
    });
    const names = new Map([[DIGEST, "debian-ci"]]);
    expect(vmTable([viewOf("debian-minimal")], names)).toMatch(/ created +debian-minimal +1 CPU/);
    expect(vmTable([viewOf(DIGEST)], names)).toMatch(/ created +debian-ci +1 CPU/);
    expect(vmTable([viewOf(DIGEST)], new Map())).toMatch(/ created +abababababab +1 CPU/);
    expect(vmText(viewOf(DIGEST), names)).toMatch(/^image +debian-ci \(sha256:abababababab…\)$/m);
    expect(vmText(viewOf(DIGEST), new Map())).toMatch(/^image +sha256:abababababab…$/m);
  });
});
