import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import fc from "fast-check";
import { pack } from "tar-stream";
import { describe, expect, it } from "vitest";
import { WorkerError } from "../../../src/base/errors.ts";
import { type FolderLimits, readFolder } from "../../../src/guest/folder-reader.ts";

async function tarOf(files: readonly (readonly [string, Buffer])[]): Promise<Buffer> {
  const tar = pack();
  for (const [name, content] of files) tar.entry({ name }, content);
  tar.finalize();
  return buffer(Readable.from(tar, { objectMode: false }));
}

async function read(tar: Buffer, limits?: Partial<FolderLimits>): Promise<[string, Buffer][]> {
  const found: [string, Buffer][] = [];
  for await (const file of readFolder(Readable.from([tar], { objectMode: false }), limits)) {
    found.push([file.path, await buffer(file.stream)]);
  }
  return found;
}

const FILES = [
  ["a", Buffer.from("first")],
  ["b/c", Buffer.alloc(0)],
  [`${"long/".repeat(60)}name`, Buffer.alloc(5_000, "x")],
] as const;

describe("readFolder", () => {
  it("gives every regular file with its path, size and contents", async () => {
    await expect(read(await tarOf(FILES))).resolves.toEqual(FILES);
  });

  it("ignores folders, whatever their names are", async () => {
    const tar = pack();
    tar.entry({ name: "./", type: "directory" });
    tar.entry({ name: "b", type: "directory" });
    tar.entry({ name: "b/c" }, "x");
    tar.finalize();
    await expect(read(await buffer(Readable.from(tar, { objectMode: false })))).resolves.toEqual([
      ["b/c", Buffer.from("x")],
    ]);
  });

  it("goes on with the next file where one was not read", async () => {
    const paths: string[] = [];
    for await (const file of readFolder(Readable.from([await tarOf(FILES)], { objectMode: false }))) {
      paths.push(file.path);
    }
    expect(paths).toEqual(FILES.map(([name]) => name));
  });

  it("closes its source when whoever reads leaves early", async () => {
    const source = new Readable({ read: () => {} });
    source.push((await tarOf(FILES)).subarray(0, 1_024));
    for await (const _ of readFolder(source)) break;
    expect(source.destroyed).toBe(true);
  });

  it("refuses a tar that was cut off inside a file", async () => {
    const tar = await tarOf(FILES);
    await expect(read(tar.subarray(0, 520))).rejects.toMatchObject({ code: "folder-refused" });
    await expect(read(tar.subarray(0, 2_500))).rejects.toMatchObject({ code: "folder-refused" });
  });

  it("refuses more files and folders, or more bytes, than allowed", async () => {
    const tar = await tarOf(FILES);
    const files = FILES.length + 61;
    await expect(read(tar, { maxFiles: files - 1 })).rejects.toThrow("more than 63 files and folders");
    await expect(read(tar, { maxTotalBytes: 5_004 })).rejects.toThrow("more than 5004 bytes");
    await expect(read(tar, { maxFiles: files, maxTotalBytes: 5_005 })).resolves.toHaveLength(3);
  });

  it("refuses a file in more than 200 folders", async () => {
    const at = (depth: number) => tarOf([[`${"a/".repeat(depth)}name`, Buffer.alloc(0)]]);
    await expect(read(await at(200))).resolves.toHaveLength(1);
    await expect(read(await at(201))).rejects.toMatchObject({ code: "folder-refused" });
  });

  it("refuses headers without end", async () => {
    const header = (await tarOf([[`${"long/".repeat(60)}name`, Buffer.alloc(0)]])).subarray(0, 1_024);
    const endless = Readable.from(
      (function* () {
        for (;;) yield header;
      })(),
      { objectMode: false },
    );
    const reading = (async () => {
      for await (const _ of readFolder(endless, { maxFiles: 10, maxTotalBytes: 1_000 }));
    })();
    await expect(reading).rejects.toMatchObject({ code: "folder-refused" });
  });

  it.each([600, 1_200, 3_300])("passes on why its source failed after %i bytes", async (sizeBytes) => {
    const cause = new WorkerError("the guest broke off", { code: "guest-transfer-broken", blame: "image" });
    const tar = (await tarOf(FILES)).subarray(0, sizeBytes);
    const source = Readable.from(
      (async function* () {
        yield tar;
        throw cause;
      })(),
      { objectMode: false },
    );
    const reading = (async () => {
      for await (const file of readFolder(source)) await buffer(file.stream);
    })();
    await expect(reading).rejects.toBe(cause);
  });

  it("ends, with files under safe names or a refusal, whatever the bytes are", async () => {
    const tar = await tarOf(FILES);
    const damage = fc.array(fc.tuple(fc.nat(tar.length - 1), fc.nat(255)), { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(damage, fc.boolean(), async (bytes, mendChecksums) => {
        const damaged = Buffer.from(tar);
        for (const [at, value] of bytes) damaged[at] = value;
        if (mendChecksums) mend(damaged);
        const outcome = await read(damaged, { maxFiles: 10, maxTotalBytes: 100_000 }).catch((error: unknown) => error);
        if (Array.isArray(outcome)) for (const [path] of outcome) expect(path).not.toMatch(/^\/|(^|\/)\.\.(\/|$)|\0/);
        else expect(outcome).toBeInstanceOf(WorkerError);
      }),
      { numRuns: 500 },
    );
  });
});

/** Makes every block that may be a header look right, so that damage gets past the checksum. */
function mend(tar: Buffer): void {
  for (let at = 0; at + 512 <= tar.length; at += 512) {
    if (tar.toString("latin1", at + 257, at + 262) !== "ustar") continue;
    tar.fill(" ", at + 148, at + 156);
    const sum = tar.subarray(at, at + 512).reduce((total, byte) => total + byte, 0);
    tar.write(`${sum.toString(8).padStart(6, "0")}\0 `, at + 148, "latin1");
  }
}
