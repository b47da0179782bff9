/** Files take the place of others, whoever is killed on the way. */
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { MachineFiles } from "../../../src/hypervisor/qemu/machine-files.ts";
import { settleFiles } from "../../../src/hypervisor/qemu/saved-files.ts";

const STAGED = { goesOn: { staged: true, cdroms: [] } };
const BEFORE = ["disk.0.qcow2", "disk.1.qcow2", "memory", "data-a.raw"];
const AFTER = ["disk.0.qcow2", "memory", "state", "data-a.raw"];
/** What is the machine's whatever it goes on from. */
const KEPT = ["record.json", "console.log", "supervisor.log"];

let folder: string;
let files: MachineFiles;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "boxcar-saved-files-"));
  files = new MachineFiles(folder);
  await fill(folder, [...BEFORE, ...KEPT], "before");
});

afterEach(() => rm(folder, { recursive: true }));

async function fill(directory: string, names: readonly string[], text: string): Promise<void> {
  await mkdir(directory, { recursive: true });
  for (const name of names) await writeFile(join(directory, name), text);
}

/** What each file of the machine is; folders end with "/". */
async function contents(): Promise<Record<string, string>> {
  const entries = await readdir(folder, { withFileTypes: true });
  const known = entries.filter(({ name }) => !KEPT.includes(name));
  return Object.fromEntries(
    await Promise.all(
      known.map(async (entry) =>
        entry.isDirectory() ? [`${entry.name}/`, ""] : [entry.name, await readFile(join(folder, entry.name), "utf8")],
      ),
    ),
  ) as Record<string, string>;
}

const all = (names: readonly string[], text: string) => Object.fromEntries(names.map((name) => [name, text]));

describe("what was staged", () => {
  it("is dropped where nobody has decided that it is to be used, whole or not", async () => {
    await fill(join(folder, "restored.part"), ["memory"], "after");
    await fill(join(folder, "restored"), AFTER, "after");
    await settleFiles(files, {});
    expect(await contents()).toEqual(all(BEFORE, "before"));
    await settleFiles(files, { goesOn: { cdroms: [] } });
    expect(await contents()).toEqual(all(BEFORE, "before"));
  });

  it("takes the place of all that was there, and a second time changes nothing", async () => {
    await fill(join(folder, "restored"), AFTER, "after");
    await settleFiles(files, STAGED);
    await settleFiles(files, STAGED);
    expect(await contents()).toEqual(all(AFTER, "after"));
    expect((await readdir(folder)).filter((name) => KEPT.includes(name)).sort()).toEqual([...KEPT].sort());
  });

  it("is completed by the next one, wherever the first was killed", async () => {
    // While the old ones were removed.
    await fill(join(folder, "restored"), AFTER, "after");
    await rm(join(folder, "disk.0.qcow2"));
    await settleFiles(files, STAGED);
    expect(await contents()).toEqual(all(AFTER, "after"));

    // While the new ones were moved.
    await fill(join(folder, "incoming"), AFTER, "after");
    for (const name of await readdir(folder)) if (AFTER.includes(name)) await rm(join(folder, name));
    await rename(join(folder, "incoming", "memory"), join(folder, "memory"));
    await settleFiles(files, STAGED);
    expect(await contents()).toEqual(all(AFTER, "after"));

    // Before the folder was removed.
    await mkdir(join(folder, "incoming"));
    await settleFiles(files, STAGED);
    expect(await contents()).toEqual(all(AFTER, "after"));
  });
});
