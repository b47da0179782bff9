import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, it } from "vitest";
import { compressLog } from "../../../src/log/compress-log.ts";
import { openStoredLog } from "../../../src/log/open-stored-log.ts";

let directory: string;
let plain: string;
const CONTENT = "a line of a log\n".repeat(100_000);

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "boxcar-log-"));
  plain = join(directory, "plain");
  await writeFile(plain, CONTENT);
});

afterAll(() => rm(directory, { recursive: true }));

it.each([undefined, "gzip", "zstd"] as const)(
  "knows the size of a log packed with %s, and reads its end",
  async (encoding) => {
    const { file } =
      encoding === undefined ? { file: plain } : await compressLog(plain, join(directory, encoding), encoding);
    const log = await openStoredLog(file, encoding);
    expect(log.sizeBytes).toBe(CONTENT.length);
    expect(await text(log.read({ from: -16 }))).toBe("a line of a log\n");
  },
);
