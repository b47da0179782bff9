import { describe, expect, it } from "vitest";
import { buildCpio } from "../../../../src/builder/debian/cpio.ts";

/** Reads names, modes and contents back, by the description of the format. */
function read(archive: Buffer): { name: string; mode: number; content: string }[] {
  const entries = [];
  let at = 0;
  for (;;) {
    expect(archive.toString("latin1", at, at + 6)).toBe("070701");
    const field = (index: number) =>
      Number.parseInt(archive.toString("latin1", at + 6 + index * 8, at + 14 + index * 8), 16);
    const [mode, size, nameSize] = [field(1), field(6), field(11)];
    const name = archive.toString("latin1", at + 110, at + 110 + nameSize - 1);
    const begin = Math.ceil((at + 110 + nameSize) / 4) * 4;
    if (name === "TRAILER!!!") return entries;
    entries.push({ name, mode, content: archive.toString("latin1", begin, begin + size) });
    at = Math.ceil((begin + size) / 4) * 4;
  }
}

describe("buildCpio", () => {
  it("writes what Linux reads, aligned whatever the lengths", () => {
    const entries = [
      { name: "dev", mode: 0o040755, content: "" },
      { name: "init", mode: 0o100755, content: "x" },
      { name: "modules/abc.ko", mode: 0o100644, content: "12345" },
    ];
    const archive = buildCpio(entries.map((entry) => ({ ...entry, content: Buffer.from(entry.content) })));
    expect(read(archive)).toEqual(entries);
    expect(archive.length % 4).toBe(0);
  });
});
