import { createHash } from "node:crypto";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { describe, expect, it } from "vitest";
import { compressLog } from "../../../src/log/compress-log.ts";
import { StoredLog } from "../../../src/log/stored-log.ts";
import { LogFolder, lines, textOf } from "./log-folder.ts";

const ENCODINGS = ["zstd", "gzip"] as const;

describe.each(ENCODINGS)("a log packed with %s", (encoding) => {
  it("is what its own program makes the log of", async () => {
    await using folder = await LogFolder.open();
    const [source, target] = [join(folder.path, "task.log"), join(folder.path, "packed")];
    const text = lines(0, 50_000);
    await writeFile(source, text);
    const packed = await compressLog(source, target, encoding);
    const bytes = await readFile(target);
    expect(packed).toEqual({
      file: target,
      sizeBytes: bytes.length,
      sha256: createHash("sha256").update(bytes).digest("hex"),
      contentEncoding: encoding,
    });
    expect(bytes.length).toBeLessThan(text.length / 4);
    const { stdout } = await execa(encoding, ["-dc"], { inputFile: target, stripFinalNewline: false, maxBuffer: 1e8 });
    expect(stdout === text).toBe(true);
  });

  it("is read from any place", async () => {
    await using folder = await LogFolder.open();
    const [source, target] = [join(folder.path, "task.log"), join(folder.path, "packed")];
    const text = lines(0, 50_000);
    await writeFile(source, text);
    await compressLog(source, target, encoding);
    const log = new StoredLog({ file: target, contentEncoding: encoding, sizeBytes: text.length });
    for (const from of [0, 1, 1_000_000, -20, text.length]) {
      expect((await textOf(log.read({ from }))) === text.slice(from)).toBe(true);
    }
    expect(() => log.read({ from: text.length + 1 })).toThrow("cannot be read from byte");
  });

  it("may be empty", async () => {
    await using folder = await LogFolder.open();
    const [source, target] = [join(folder.path, "task.log"), join(folder.path, "packed")];
    await writeFile(source, "");
    await compressLog(source, target, encoding);
    const log = new StoredLog({ file: target, contentEncoding: encoding, sizeBytes: 0 });
    await expect(textOf(log.read())).resolves.toBe("");
  });

  it("is not left behind in part", async () => {
    await using folder = await LogFolder.open();
    const source = join(folder.path, "task.log");
    await writeFile(source, lines(0, 200_000));
    const stop = new AbortController();
    const packing = compressLog(source, join(folder.path, "packed"), encoding, stop.signal);
    stop.abort(new Error("canceled"));
    await expect(packing).rejects.toThrow("canceled");
    await expect(readdir(folder.path)).resolves.toEqual(["task.log"]);
  });

  it("takes the place of no other file", async () => {
    await using folder = await LogFolder.open();
    const source = join(folder.path, "task.log");
    await writeFile(source, "text");
    await expect(compressLog(source, source, encoding)).rejects.toThrow("EEXIST");
    await expect(readFile(source, "utf8")).resolves.toBe("text");
  });

  it("is refused where it is damaged", async () => {
    await using folder = await LogFolder.open();
    const [source, target] = [join(folder.path, "task.log"), join(folder.path, "packed")];
    await writeFile(source, lines(0, 10_000));
    await compressLog(source, target, encoding);
    const bytes = await readFile(target);
    await writeFile(target, bytes.subarray(0, bytes.length / 2));
    const log = new StoredLog({ file: target, contentEncoding: encoding, sizeBytes: 10 });
    await expect(textOf(log.read())).rejects.toThrow();
  });
});
