import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ByteReader } from "../../../src/image/archive/byte-reader.ts";
import { judgeEntry } from "../../../src/image/archive/entry-rules.ts";
import { DEFAULT_LIMITS } from "../../../src/image/archive/format.ts";
import { buildPax, parsePax } from "../../../src/image/archive/pax.ts";
import type { Segment } from "../../../src/image/archive/sparse-map.ts";
import {
  buildFileHeaders,
  buildSparseHeaders,
  END_OF_ARCHIVE,
  paddingAfter,
} from "../../../src/image/archive/tar-blocks.ts";
import { parseTarHeader } from "../../../src/image/archive/tar-header.ts";
import { TarReader } from "../../../src/image/archive/tar-reader.ts";
import { ImageError } from "../../../src/image/errors.ts";

const GIB = 1_024 ** 3;

async function* chunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let offset = 0; offset < bytes.length; offset += size) yield bytes.subarray(offset, offset + size);
}

interface Read {
  name: string;
  realBytes: number;
  pieces: { offset: number; text: string }[];
}

async function readAll(tar: Uint8Array, chunkBytes = 1_000): Promise<Read[]> {
  const reader = new TarReader(new ByteReader(chunks(tar, chunkBytes)));
  const entries: Read[] = [];
  for (let entry = await reader.next(); entry !== undefined; entry = await reader.next()) {
    const pieces: Read["pieces"] = [];
    for await (const { offset, chunk } of entry.content()) {
      const last = pieces.at(-1);
      if (last !== undefined && last.offset + last.text.length === offset) last.text += chunk.toString("latin1");
      else pieces.push({ offset, text: chunk.toString("latin1") });
    }
    entries.push({ name: entry.name, realBytes: entry.realBytes, pieces });
  }
  return entries;
}

function plainFile(name: string, text: string): Buffer {
  return Buffer.concat([buildFileHeaders(name, text.length), Buffer.from(text), paddingAfter(text.length)]);
}

/** Headers of a sparse file as built, with its data. */
function sparseFile(realBytes: number, segments: Segment[]): Buffer {
  const data = Buffer.concat(segments.map(({ bytes }, i) => Buffer.alloc(bytes, 97 + (i % 26))));
  return Buffer.concat([buildSparseHeaders("disk.img", realBytes, segments), data, paddingAfter(data.length)]);
}

describe("TarReader", () => {
  it("reads plain and sparse files in chunks of any size", async () => {
    const segments = [
      { offset: 10, bytes: 3 },
      { offset: 8_000, bytes: 600 },
    ];
    const tar = Buffer.concat([plainFile("machine.json", "{}"), sparseFile(20 * GIB, segments), END_OF_ARCHIVE]);
    for (const chunkBytes of [1, 511, 512, 100_000]) {
      expect(await readAll(tar, chunkBytes)).toEqual([
        { name: "machine.json", realBytes: 2, pieces: [{ offset: 0, text: "{}" }] },
        {
          name: "disk.img",
          realBytes: 20 * GIB,
          pieces: [
            { offset: 10, text: "aaa" },
            { offset: 8_000, text: "b".repeat(600) },
          ],
        },
      ]);
    }
  });

  it("reads back every map it writes", async () => {
    const gaps = fc.array(
      fc.record({ gap: fc.integer({ min: 1, max: 1e9 }), bytes: fc.integer({ min: 1, max: 700 }) }),
    );
    await fc.assert(
      fc.asyncProperty(gaps, fc.nat(1e6), async (parts, tail) => {
        let end = 0;
        const segments = parts.map(({ gap, bytes }) => {
          const offset = end + gap;
          end = offset + bytes;
          return { offset, bytes };
        });
        const [entry] = await readAll(Buffer.concat([sparseFile(end + tail, segments), END_OF_ARCHIVE]));
        expect(entry?.realBytes).toBe(end + tail);
        expect(entry?.pieces.map(({ offset, text }) => ({ offset, bytes: text.length }))).toEqual(segments);
      }),
      { numRuns: 50 },
    );
  });

  it("writes and reads sizes that do not fit into octal digits", () => {
    const header = parseTarHeader(buildFileHeaders("disk.img", 40 * GIB));
    expect(header?.storedBytes).toBe(40 * GIB);
  });

  it("refuses an archive that ends early, wherever that is", async () => {
    const whole = Buffer.concat([
      plainFile("machine.json", "{}"),
      sparseFile(9_000, [{ offset: 0, bytes: 5 }]),
      END_OF_ARCHIVE,
    ]);
    for (let end = 0; end < whole.length; end += 100) {
      await expect(readAll(whole.subarray(0, end))).rejects.toMatchObject({ code: "archive-truncated" });
    }
  });

  it("refuses bytes after the end, and endless padding", async () => {
    const end = Buffer.concat([plainFile("machine.json", "{}"), END_OF_ARCHIVE]);
    await expect(readAll(Buffer.concat([end, Buffer.from("tail")]))).rejects.toMatchObject({ code: "archive-corrupt" });
    const padded = Buffer.concat([end, Buffer.alloc(9 * 1_024 ** 2)]);
    await expect(readAll(padded, 65_536)).rejects.toMatchObject({ code: "archive-corrupt" });
    expect(await readAll(Buffer.concat([end, Buffer.alloc(10_240)]))).toHaveLength(1);
  });

  it("refuses what is no tar archive", async () => {
    await expect(readAll(Buffer.from("x".repeat(2_000)))).rejects.toMatchObject({ code: "archive-corrupt" });
  });

  it.each([
    [
      "overlapping",
      [
        { offset: 0, bytes: 10 },
        { offset: 5, bytes: 10 },
      ],
    ],
    [
      "descending",
      [
        { offset: 100, bytes: 10 },
        { offset: 5, bytes: 10 },
      ],
    ],
    ["beyond the end", [{ offset: 995, bytes: 10 }]],
  ])("refuses a sparse map with segments %s", async (_, segments) => {
    const tar = Buffer.concat([sparseFile(1_000, segments), END_OF_ARCHIVE]);
    await expect(readAll(tar)).rejects.toMatchObject({ code: "archive-sparse-map" });
  });

  it.each(["9999999\n", "x\n", "-1\n", "1\n0\n", "99999999999999999999999", "\n\n\n"])(
    "refuses the sparse map %j",
    async (map) => {
      const tar = sparseFile(1_000, [{ offset: 0, bytes: 5 }]);
      const start = tar.indexOf("\n0\n5\n") - 1;
      tar.fill(0, start, start + 512);
      tar.write(map, start, "latin1");
      await expect(readAll(Buffer.concat([tar, END_OF_ARCHIVE]))).rejects.toMatchObject({
        code: expect.stringMatching(/^archive-(sparse-map|truncated)$/),
      });
    },
  );

  it("throws nothing but its own errors, whatever it is given", async () => {
    const whole = Buffer.concat([
      plainFile("machine.json", "{}"),
      sparseFile(9_000, [{ offset: 0, bytes: 5 }]),
      END_OF_ARCHIVE,
    ]);
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 1), fc.nat(255), async (at, value) => {
        const bytes = Buffer.from(whole);
        bytes[at] = value;
        await readAll(bytes).catch((error: unknown) => expect(error).toBeInstanceOf(ImageError));
      }),
    );
  });
});

describe("parsePax", () => {
  it("reads back what is built, at every length around a change of digits", () => {
    for (let length = 0; length < 120; length++) {
      const records = { comment: "é".repeat(length), path: "disk.img" };
      expect(Object.fromEntries(parsePax(buildPax(records)))).toEqual(records);
    }
  });

  it.each(["5", "x a=b\n", "99 a=b\n", "6 a=bc", "5 ab\n", "3 \n", "-4 a=b\n", "0 "])("refuses %j", (text) => {
    expect(() => parsePax(Buffer.from(text))).toThrow(expect.objectContaining({ code: "archive-corrupt" }));
  });
});

describe("judgeEntry", () => {
  const file = { name: "disk.img", kind: "file", realBytes: 1, storedBytes: 1 } as const;
  const code = (entry: Partial<Parameters<typeof judgeEntry>[0]>, seen: string[] = []) => {
    try {
      return judgeEntry({ ...file, ...entry }, new Set(seen), DEFAULT_LIMITS);
    } catch (error) {
      return (error as ImageError).code;
    }
  };

  it("accepts the files of an image", () => {
    expect(code({})).toBe("disk.img");
    expect(code({ name: "machine.json", realBytes: 1_024 ** 2 })).toBe("machine.json");
    expect(code({ realBytes: 50 * GIB })).toBe("disk.img");
  });

  it.each([
    ["a way out", { name: "../x" }, "archive-unsafe-name"],
    ["a way out in the middle", { name: "a/../../x" }, "archive-unsafe-name"],
    ["an absolute name", { name: "/etc/passwd" }, "archive-unsafe-name"],
    ["a link, whatever its name", { kind: "link" }, "archive-link"],
    ["a device", { kind: "device" }, "archive-device"],
    ["a fifo", { kind: "fifo" }, "archive-unsupported-entry"],
    ["an unknown kind", { kind: "other" }, "archive-unsupported-entry"],
    ["a directory", { name: "./", kind: "directory" }, "archive-directory"],
    ["another file", { name: "notes.txt" }, "archive-unexpected-file"],
    ["a file with a prefix", { name: "./disk.img" }, "archive-unexpected-file"],
    ["a large disk", { realBytes: 50 * GIB + 1 }, "archive-file-too-large"],
    ["a large machine.json", { name: "machine.json", realBytes: 1_024 ** 2 + 1 }, "archive-file-too-large"],
    ["more stored than there is", { storedBytes: 60 * GIB }, "archive-file-too-large"],
  ] as const)("refuses %s", (_, entry, expected) => {
    expect(code(entry)).toBe(expected);
  });

  it("refuses the same name twice", () => {
    expect(code({}, ["disk.img"])).toBe("archive-duplicate");
  });
});
