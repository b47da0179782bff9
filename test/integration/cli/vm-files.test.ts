/** `boxcar vm` with files of this host that are not there, or are no files: what is said, before anything is done. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { afterAll, beforeAll, expect, it } from "vitest";

const MAIN = fileURLToPath(new URL("../../../src/main.ts", import.meta.url));

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "bx-"));
  await mkdir(join(directory, "folder"));
  await writeFile(join(directory, "file"), "x");
});
afterAll(() => rm(directory, { recursive: true }));

async function vm(...words: string[]) {
  const env = { BOXCAR_STATE_DIR: join(directory, "state"), BOXCAR_RUN_DIR: join(directory, "run") };
  return await execa(process.execPath, [MAIN, "vm", ...words], { env, cwd: directory, reject: false });
}

it.each([
  ["<file>", ["snapshot", "import"]],
  ["--user-data", ["create", "--user-data"]],
  ["--machine", ["create", "--machine"]],
  ["--kernel", ["create", "--kernel"]],
  ["--initrd", ["create", "--kernel", "file", "--initrd"]],
  ["--cdrom", ["run", "--cdrom", "file", "--cdrom"]],
])("%s that cannot be read is a mistake of the command line", async (named, words) => {
  for (const [name, why] of [
    ["missing", "there is no such file; check its name"],
    ["file/inside", "there is no such file; check its name"],
    ["folder", "it is a folder; name a file"],
  ] as const) {
    const { exitCode, stderr } = await vm(...words, name);
    const message = `  ${named}: ${join(directory, name)} cannot be read: ${why}`;
    expect([exitCode, stderr]).toEqual([2, `boxcar: The command line has 1 issue:\n${message}`]);
  }
});
