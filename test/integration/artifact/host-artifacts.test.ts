import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { HostArtifacts } from "../../../src/artifact/host-artifacts.ts";

/** A file system in memory, which every Linux has: another disk than that of the other temporary files. */
const OTHER_DISK = "/dev/shm";

const TASK = "0".repeat(22);

let folder: string;
let elsewhere: string;
let artifacts: HostArtifacts;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "bxa-"));
  elsewhere = await mkdtemp(join(OTHER_DISK, "bxa-"));
  artifacts = await HostArtifacts.open(join(folder, "artifacts"));
});

afterEach(async () => {
  for (const path of [folder, elsewhere]) await rm(path, { recursive: true });
});

const key = (name: string, runId = 0) => ({ taskId: TASK, runId, name });

async function newFile(text: string, where = folder): Promise<string> {
  const path = join(where, "new");
  await writeFile(path, text);
  return path;
}

const exists = (path: string) => stat(path).then(Boolean, () => false);

/** What is in the folder of artifacts, beside what tells it from those of other hosts. */
async function kept(): Promise<string[]> {
  const entries = await readdir(artifacts.directory, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && entry.name !== ".id");
  return files.map((entry) => join(entry.parentPath, entry.name).slice(artifacts.directory.length + 1)).sort();
}

describe("artifacts on this host", () => {
  it("have an identity that stays, also if several open the folder for the first time", async () => {
    const directory = join(folder, "others");
    const opened = await Promise.all(Array.from({ length: 5 }, () => HostArtifacts.open(directory)));
    expect(new Set(opened.map(({ id }) => id)).size).toBe(1);
    expect((await HostArtifacts.open(directory)).id).toBe(opened[0]?.id);
    expect(opened[0]?.id).not.toBe(artifacts.id);
    expect(await readdir(directory)).toEqual([".id"]);
    expect((await stat(directory)).mode & 0o777).toBe(0o700);
  });

  it.each([
    ["this disk", () => folder],
    ["another disk", () => elsewhere],
  ])("are taken over from %s, once or again, and replaced", async (_name, where) => {
    const file = await newFile("first", where());
    await artifacts.put(key("public/a.txt"), file);
    await artifacts.put(key("public/a.txt"), file);
    expect(await exists(file)).toBe(false);
    expect(await readFile(artifacts.pathOf(key("public/a.txt")), "utf8")).toBe("first");
    await artifacts.put(key("public/a.txt"), await newFile("second", where()));
    expect(await readFile(artifacts.pathOf(key("public/a.txt")), "utf8")).toBe("second");
    expect(await kept()).toEqual([`${TASK}/0/public/a.txt`]);
  });

  it("refuse a file that never was", async () => {
    await expect(artifacts.put(key("a"), join(folder, "nowhere"))).rejects.toMatchObject({ code: "ENOENT" });
    await expect(artifacts.put(key("a"), join(elsewhere, "nowhere"))).rejects.toMatchObject({ code: "ENOENT" });
  });

  it.each(["", ".", "..", "../1/a", "a/../../../x", "/etc/passwd", "a\0b"])("are never outside: %j", async (name) => {
    const file = await newFile("text");
    const refused = { code: "artifact-name-refused", blame: "task" };
    await expect(artifacts.put(key(name), file)).rejects.toMatchObject(refused);
    expect(() => artifacts.pathOf(key(name))).toThrow(expect.objectContaining(refused));
    await artifacts.remove(key(name));
    expect(await exists(file)).toBe(true);
  });

  it.each([
    ["..", 0],
    [".id", 0],
    ["a/b", 0],
    [TASK, -1.5],
  ])("are of tasks and runs only: %j %d", (taskId, runId) => {
    expect(() => artifacts.pathOf({ taskId, runId, name: "a" })).toThrow("cannot be that of a file on this host");
  });

  it.each(["this disk", "another disk"])("may have the longest name a file can have: %s", async (disk) => {
    const name = `public/${"n".repeat(255)}`;
    const file = await newFile("text", disk === "this disk" ? folder : elsewhere);
    await artifacts.put(key(name), file);
    expect(await kept()).toEqual([`${TASK}/0/${name}`]);
  });

  it.each(["n".repeat(256), `${"n".repeat(256)}/a`, "d/".repeat(3_000).concat("a")])(
    "are refused under names that no file can have, and nothing is left of them",
    async (name) => {
      for (const where of [folder, elsewhere]) {
        const file = await newFile("text", where);
        await expect(artifacts.put(key(name), file)).rejects.toMatchObject({
          code: "artifact-name-refused",
          blame: "task",
          message: expect.stringMatching(/^.{1,200}$/),
        });
        expect(await exists(file)).toBe(true);
      }
      await artifacts.remove(key(name));
      expect(await kept()).toEqual([]);
    },
  );

  it("are refused where a file would have to be a folder, or a folder a file", async () => {
    await artifacts.put(key("a/b"), await newFile("text"));
    for (const where of [folder, elsewhere]) {
      for (const name of ["a", "a/b/c"]) {
        const refused = { code: "artifact-name-refused", blame: "task" };
        await expect(artifacts.put(key(name), await newFile("other", where))).rejects.toMatchObject(refused);
      }
    }
    expect(await kept()).toEqual([`${TASK}/0/a/b`]);
  });

  it("are not taken over once it is too late", async () => {
    const file = await newFile("text");
    await expect(artifacts.put(key("a"), file, AbortSignal.abort(new Error("late")))).rejects.toThrow("late");
    expect(await exists(file)).toBe(true);
  });

  it("are removed with the folders that become empty, and nothing else", async () => {
    for (const name of ["a/b/1", "a/2"]) await artifacts.put(key(name), await newFile(name));
    await artifacts.put(key("a", 1), await newFile("of the next run"));
    await artifacts.remove(key("a/b/1"));
    await artifacts.remove(key("a/b/1"));
    // A name of another artifact's folder, and one below another artifact.
    for (const name of ["a", "a/2/c"]) await artifacts.remove(key(name));
    expect(await kept()).toEqual([`${TASK}/0/a/2`, `${TASK}/1/a`]);
    await artifacts.remove(key("a/2"));
    await artifacts.remove(key("a", 1));
    expect(await readdir(artifacts.directory)).toEqual([".id"]);
  });

  it("go with their task, whatever is left of it", async () => {
    await artifacts.put(key("a/b"), await newFile("text"));
    await mkdir(join(artifacts.directory, TASK, "7"));
    await artifacts.removeTask(TASK);
    await artifacts.removeTask(TASK);
    expect(await readdir(artifacts.directory)).toEqual([".id"]);
    await expect(artifacts.removeTask("..")).rejects.toThrow("cannot be");
    expect(await exists(artifacts.directory)).toBe(true);
  });
});
