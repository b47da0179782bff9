import { describe, expect, it } from "vitest";
import { findCandidates } from "../../../../src/builder/inspect/compare-files.ts";
import { DiskInspector } from "../../../../src/builder/inspect/disk-inspector.ts";
import { FakeProgram } from "./fake-program.ts";

const OF_BOTH =
  "V0 0 0 1048576 1 ext4 \0E0 f 644 0 0 3 0 1 0:0 a\0D0\0V1 0 0 1048576 1 ext4 \0E0 f 644 0 0 3 0 1 0:0 a\0D1\0";
const signal = new AbortController().signal;
const options = { disks: 2, maxEntries: 100_000, signal };

describe("who asks boxcar-inspect", () => {
  it("gets the listings, and answers to what is asked", async () => {
    const program = new FakeProgram(OF_BOTH, (request) => (request.startsWith("G") ? "B5\0a\0b\0c" : "D\0"));
    await using inspector = await DiskInspector.open(program, options);
    const [a, b] = inspector.listings;
    expect([...(a?.files.keys() ?? [])]).toEqual(["/a"]);
    if (a === undefined || b === undefined) throw new Error("two disks have two listings");
    expect(await inspector.sameContents(findCandidates(a, b))).toEqual(new Map([["/a", false]]));
    expect(await inspector.readFile(1, "etc/x", 10)).toEqual(Buffer.from("a\0b\0c"));
    expect(program.requests).toEqual(["C0 0 a", "G1 0 10 etc/x"]);
  });

  it("keeps to the windows of the shell with far more than fits into them", async () => {
    const entry = (index: number) =>
      `E0 f 644 0 0 3 0 1 0:0 a-file-with-a-long-name/${String(index).padStart(100, "0")}\0`;
    const entries = Array.from({ length: 5_000 }, (_, index) => entry(index)).join("");
    const both = [0, 1].map((disk) => `V${disk} 0 0 1048576 1 ext4 \0${entries}D${disk}\0`).join("");
    const program = new FakeProgram(both, (request) => (request.endsWith("7") ? "D\0" : "S\0"));
    await using inspector = await DiskInspector.open(program, options);
    const [a, b] = inspector.listings;
    if (a === undefined || b === undefined) throw new Error("two disks have two listings");
    const contents = await inspector.sameContents(findCandidates(a, b));
    expect(contents.size).toBe(5_000);
    expect([...contents.values()].filter((same) => same === false)).toHaveLength(500);
    expect(program.requests).toHaveLength(5_000);
  });

  it.each([
    ["breaks off", "V0 0 0 1 1 ext4 \0", "inspection-failed"],
    ["says less than that", "V0 0 0 1 1 ext4", "inspection-protocol-error"],
    ["cannot", "Fthe disk does not appear\0", "inspection-failed"],
    ["says something else", "GET / HTTP/1.1\0", "inspection-protocol-error"],
    ["names one for ever", "x".repeat(20_000), "inspection-protocol-error"],
  ])("hears of it if that %s", async (_what, said, code) => {
    const program = new FakeProgram(said, () => "", { ends: true });
    await expect(DiskInspector.open(program, options)).rejects.toMatchObject({ code });
    expect(program.disposed).toBe(true);
  });

  it.each([
    ["a wrong verdict", "maybe\0"],
    ["bytes that were not asked for", "B4\0abcd"],
  ])("does not believe %s", async (_what, answer) => {
    const program = new FakeProgram(OF_BOTH, () => answer);
    await using inspector = await DiskInspector.open(program, options);
    const [a, b] = inspector.listings;
    if (a === undefined || b === undefined) throw new Error("two disks have two listings");
    const asking = answer.startsWith("B")
      ? inspector.readFile(0, "x", 3)
      : inspector.sameContents(findCandidates(a, b));
    await expect(asking).rejects.toMatchObject({ code: "inspection-protocol-error" });
  });

  it("does not wait for what never comes once it is cancelled", async () => {
    const program = new FakeProgram("V0 0 0 1 1 ext4 \0", () => "");
    const cancelled = new AbortController();
    const opening = DiskInspector.open(program, { ...options, signal: cancelled.signal });
    cancelled.abort(new Error("enough"));
    await expect(opening).rejects.toThrow("enough");
    expect(program.disposed).toBe(true);
  });
});
