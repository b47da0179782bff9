import { createHash } from "node:crypto";
import { lstat, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Boxcar } from "./boxcar.ts";

let boxcar: Boxcar;

beforeAll(async () => {
  boxcar = await Boxcar.open();
});

afterAll(async () => {
  expect(await boxcar.leftovers()).toEqual([]);
  await boxcar[Symbol.asyncDispose]();
});

const sh = (script: string) => ["sh", "-c", script];

async function filesBelow(folder: string): Promise<string[]> {
  const names = (await readdir(folder, { recursive: true })) as string[];
  const facts = await Promise.all(
    names.map(async (name) => ({ name, isFile: (await lstat(join(folder, name))).isFile() })),
  );
  return facts
    .filter(({ isFile }) => isFile)
    .map(({ name }) => name)
    .sort();
}

describe("artifacts of a task", () => {
  it("are what its patterns mean, packed as it asks for", async () => {
    const { result, output } = await boxcar.runTask({
      command: sh(
        "mkdir -p out/a/b out/.hidden logs && cd out && " +
          "for name in r.xml a/r.xml a/b/r.xml a/b/r.txt .hidden/r.xml; do echo $name > $name; done; " +
          "seq 100000 > ../logs/numbers.log; head -c 5000 /dev/urandom > ../logs/noise.bin; echo '*' > '../a[b]*'",
      ),
      cwd: "/tmp",
      artifacts: [
        { name: "xml", path: "out/**/*.xml" },
        { name: "folders", path: "/tmp/out/?", type: "directory" },
        { name: "logs", path: "logs", type: "directory", compression: "auto", expires: "1 day" },
        { name: "numbers", path: "logs/numbers.*", compression: "zstd" },
        { name: "odd", path: "a[[]b][*]" },
        { name: "none", path: "out/*.pdf", optional: true },
      ],
    });
    expect(result).toMatchObject({ state: "completed" });
    const folder = join(output, "artifacts");
    expect(await filesBelow(folder)).toEqual([
      ...["folders/a/b/r.txt", "folders/a/b/r.xml", "folders/a/r.xml", "logs/noise.bin", "logs/numbers.log"],
      ...["numbers/numbers.log", "odd", "xml/a/b/r.xml", "xml/a/r.xml", "xml/r.xml"],
    ]);
    expect(await readFile(join(folder, "xml/a/r.xml"), "utf8")).toBe("a/r.xml\n");
    const numbers = Array.from({ length: 100_000 }, (_, index) => `${index + 1}\n`).join("");
    expect(gunzipSync(await readFile(join(folder, "logs/numbers.log"))).toString()).toBe(numbers);
    expect(zstdDecompressSync(await readFile(join(folder, "numbers/numbers.log"))).toString()).toBe(numbers);
    const content = { sizeBytes: numbers.length, sha256: createHash("sha256").update(numbers).digest("hex") };
    expect(result.artifacts).toContainEqual(
      expect.objectContaining({
        name: "logs/numbers.log",
        contentEncoding: "gzip",
        content,
        expiresAfterMs: 86_400_000,
      }),
    );
    const noise = result.artifacts.find(({ name }) => name === "logs/noise.bin");
    expect(noise).toMatchObject({ sizeBytes: 5_000 });
    expect(noise).not.toHaveProperty("contentEncoding");
  });

  it("are no way out of the machine, and none into what the worker vouches for", async () => {
    const { result, output } = await boxcar.runTask({
      command: sh(
        "mkdir -p links trust/logs && ln -s /etc/passwd links/passwd && ln -s / links/root && echo 1 > links/1 && " +
          "mkdir odd && echo 1 > \"odd/$(printf 'a\\nb')\" && echo {} > trust/chain-of-trust.json",
      ),
      cwd: "/tmp",
      artifacts: [
        { name: "links", path: "links/**" },
        { name: "odd", path: "odd/*" },
        { name: "public", path: "trust/*" },
        { name: "nothing", path: "nowhere/*" },
      ],
    });
    expect(result).toMatchObject({ state: "failed", reason: "file-missing-on-worker", exitCode: 0 });
    expect(result.artifacts.filter(({ name }) => !name.startsWith("public/screens/"))).toEqual([
      expect.objectContaining({ name: "links/1" }),
      expect.objectContaining({ name: "odd", error: "invalid-resource-on-worker" }),
      expect.objectContaining({ name: "public", error: "invalid-resource-on-worker" }),
      expect.objectContaining({ name: "nothing", error: "file-missing-on-worker" }),
    ]);
    expect((await filesBelow(join(output, "artifacts"))).filter((name) => !name.startsWith("public/screens/"))).toEqual(
      ["links/1"],
    );
  });
});
