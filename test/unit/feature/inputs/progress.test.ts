import { expect, it } from "vitest";
import { downloadNotes } from "../../../../src/feature/inputs/progress.ts";

it("says when a download begins, and every ten seconds how far it is", () => {
  const notes: string[] = [];
  let now = 5_000;
  const report = downloadNotes(
    "https://a.example/x",
    (line) => notes.push(line),
    () => now,
  );
  for (const [atMs, done] of [
    [5_000, 0],
    [14_999, 1_024],
    [15_000, 2_048],
    [16_000, 3_072],
    [60_000, 1_048_576],
  ] as const) {
    now = atMs;
    report(done, 2_097_152);
  }
  expect(notes).toEqual([
    "downloading https://a.example/x, 2.0 MiB",
    "downloading https://a.example/x: 2.0 KiB of 2.0 MiB",
    "downloading https://a.example/x: 1.0 MiB of 2.0 MiB",
  ]);
});

it("does not invent a size", () => {
  const notes: string[] = [];
  let now = 0;
  const report = downloadNotes(
    "https://a.example/x",
    (line) => notes.push(line),
    () => now,
  );
  report(0, undefined);
  now = 10_000;
  report(1_024, undefined);
  expect(notes).toEqual(["downloading https://a.example/x", "downloading https://a.example/x: 1.0 KiB"]);
});
