/** `boxcar image build` of a disk in which nothing is to be done, so that no machine is started. */
import { mkdir, mkdtemp, readdir, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { afterAll, beforeAll, expect, it } from "vitest";

const MAIN = fileURLToPath(new URL("../../../src/main.ts", import.meta.url));

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp("/tmp/bxbuild-");
  await mkdir(join(folder, "out"));
  const settings = { stateDir: join(folder, "state"), runDir: join(folder, "run") };
  await writeFile(join(folder, "worker.json"), JSON.stringify(settings));
  await writeFile(join(folder, "plain.yml"), "name: plain\nfrom: { disk: { source: disk.raw } }\n");
  await writeFile(join(folder, "disk.raw"), "a disk");
  await truncate(join(folder, "disk.raw"), 1_048_576);
});

afterAll(() => rm(folder, { recursive: true, force: true }));

const boxcar = (...args: string[]) =>
  execa(process.execPath, [MAIN, "--config", "worker.json", "image", ...args], {
    ...{ reject: false, stdin: "ignore", cwd: folder },
  });

it.each([
  [["build", "./plain.yml", "--tag", "Not A Name"], /"Not A Name" names no image/],
  [["build", "./plain.yml", "-o", "out"], /--output: .*out is a folder; name a file in it/],
])("what would be refused in the end is refused before anything is built: boxcar image %j", async (args, sentence) => {
  const { exitCode, stderr } = await boxcar(...args);
  expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: expect.stringMatching(sentence) });
  expect(stderr).not.toContain("packing");
});

it("an image that is up to date is named, not built again", async () => {
  const first = await boxcar("build", "./plain.yml", "--json");
  expect({ exitCode: first.exitCode, stderr: first.stderr }).toMatchObject({ exitCode: 0 });
  const again = await boxcar("build", "./plain.yml", "--if-outdated", "--json");
  expect(again.stderr).toBe("plain is up to date");
  expect(JSON.parse(again.stdout).digest).toBe(JSON.parse(first.stdout).digest);
  await writeFile(join(folder, "disk.raw"), "another disk".padEnd(1_048_576, "\0"));
  const changed = await boxcar("build", "./plain.yml", "--if-outdated", "--json");
  expect(JSON.parse(changed.stdout).digest).not.toBe(JSON.parse(first.stdout).digest);
});

it("an archive is not exported over a folder, and nothing is left beside it", async () => {
  const { exitCode, stderr } = await boxcar("export", "plain", "-o", "out");
  expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: expect.stringContaining("is a folder") });
  expect((await readdir(folder)).filter((name) => name.endsWith(".part"))).toEqual([]);
});

it("keys of a verification may stand before the image", async () => {
  const { exitCode, stderr } = await boxcar("verify", "--key", "nowhere.pem", "plain");
  expect({ exitCode, stderr }).toEqual({
    exitCode: 2,
    stderr: expect.stringMatching(/The key .*nowhere\.pem has 1 issue/),
  });
});
