import { mkdir, readdir, symlink } from "node:fs/promises";
import { basename, delimiter, join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, it } from "vitest";
import { sha256Of } from "../integration/image/archives.ts";
import { Boxcar, packDefaultImage } from "./boxcar.ts";

let boxcar: Boxcar;

beforeAll(async () => {
  boxcar = await Boxcar.open({ ownImages: true });
});

afterAll(async () => {
  expect(await boxcar.leftovers()).toEqual([]);
  await boxcar[Symbol.asyncDispose]();
});

/** A folder with every program of this host but zstd. */
async function pathWithoutZstd(): Promise<string> {
  const target = join(boxcar.directory, "bin");
  await mkdir(target);
  const found = new Map<string, string>();
  for (const directory of (process.env["PATH"] ?? "").split(delimiter)) {
    for (const name of await readdir(directory).catch(() => [])) {
      if (name !== "zstd" && !found.has(name)) found.set(name, join(directory, name));
    }
  }
  await Promise.all([...found].map(([name, path]) => symlink(path, join(target, name))));
  return target;
}

it("imports an image on a host without zstd, unchanged, and runs it", async () => {
  const env = { PATH: await pathWithoutZstd() };
  await expect(execa("zstd", ["--version"], { env })).rejects.toMatchObject({ code: "ENOENT" });
  const archive = join(boxcar.directory, "archive.tar.zst");
  const originals = await packDefaultImage(archive);

  const { exitCode, result, stderr } = await boxcar.run(["image", "import", archive, "--tag", "mine", "--json"], env);
  expect(exitCode, stderr).toBe(0);
  const sha256 = sha256Of(archive);
  expect(result).toMatchObject({ digest: `sha256:${sha256}`, tags: ["mine"] });
  for (const original of originals) {
    const copy = join(boxcar.directory, "images/blobs", sha256, basename(original));
    // Not cmp: it would read the holes, of which a disk has gigabytes.
    await execa("qemu-img", ["compare", "-f", "raw", "-F", "raw", original, copy]);
  }

  const run = await boxcar.run(["run", "--image", "mine", "--", "true"], env);
  expect(run.exitCode, run.stderr).toBe(0);
});
