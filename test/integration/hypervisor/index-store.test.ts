import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readlink, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as after } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { VmIndex } from "../../../src/hypervisor/index-store.ts";
import { resolveRef } from "../../../src/hypervisor/refs.ts";
import { advanceRecord } from "../../../src/hypervisor/states.ts";
import { draftRecord } from "../../unit/hypervisor/records.ts";

const CHURN = fileURLToPath(new URL("../../fixtures/hypervisor/churn.ts", import.meta.url));

let folder: string;
let directory: string;

beforeEach(async () => {
  folder = await mkdtemp("/tmp/bxv-");
  directory = join(folder, "vms");
});

afterEach(() => rm(folder, { recursive: true, force: true }));

const draft = (name?: string) => (id: string) =>
  draftRecord({
    id,
    state: "creating",
    runDirectory: join(folder, "run", id),
    ...(name === undefined ? {} : { name }),
  });

async function make(index: VmIndex, name?: string) {
  await using lock = await index.create(draft(name));
  await lock.write(advanceRecord(lock.record, "made", { now: new Date() }));
  return lock.record;
}

async function find(index: VmIndex, ref: string) {
  const all = (await index.list()).map(({ record }) => record);
  return resolveRef(all, ref);
}

function start(...words: string[]): ChildProcess & { lines: AsyncIterator<string> } {
  const child = spawn(process.execPath, [CHURN, directory, ...words], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return Object.assign(child, { lines });
}

/** All that is in the index fits together, and nothing is in it that has no record. */
async function checkWhole(index: VmIndex): Promise<void> {
  const entries = await index.list();
  const ids = entries.map(({ record }) => record.id);
  const found = (await readdir(directory)).filter((name) => name !== "names" && name !== "locks");
  expect(found.sort()).toEqual(ids.sort());
  const names = await readdir(join(directory, "names"));
  const named = await Promise.all(names.map(async (name) => [name, await readlink(join(directory, "names", name))]));
  expect(new Map(named as [string, string][])).toEqual(
    new Map(entries.flatMap(({ record: { id, name } }) => (name === undefined ? [] : [[name, id] as const]))),
  );
  for (const { record, holder } of entries) {
    expect(record.removing).toBeUndefined();
    expect(["created", "stopped"]).toContain(record.state);
    expect(holder).toBeUndefined();
  }
  const runs = await readdir(join(folder, "run")).catch(() => []);
  expect(runs.filter((id) => !ids.includes(id))).toEqual([]);
}

describe("the index of machines", () => {
  it("has a machine from when it is made until it is removed, name included", async () => {
    const index = await VmIndex.open(directory);
    const { id } = await make(index, "web");
    expect(await find(index, "web")).toMatchObject({ id, state: "created" });
    expect(await find(index, id.slice(0, 3))).toMatchObject({ id });
    await expect(make(index, "web")).rejects.toMatchObject({ code: "vm-name-taken" });
    await using lock = await index.lock(id);
    await lock.remove();
    expect(await index.list()).toEqual([]);
    expect((await make(index, "web")).id).not.toBe(id);
  });

  it("lets one change a machine at a time, and tells the other", async () => {
    const [one, two] = [await VmIndex.open(directory), await VmIndex.open(directory)];
    const { id } = await make(one, "web");
    const lock = await one.lock(id);
    await expect(two.lock(id)).rejects.toMatchObject({ code: "vm-busy", message: expect.stringContaining("web") });
    await expect(one.lock(id)).rejects.toMatchObject({ code: "vm-busy" });
    await lock[Symbol.asyncDispose]();
    await using again = await two.lock(id);
    expect(again.record.name).toBe("web");
  });

  it("frees the name of a machine that a dead process was making", async () => {
    const index = await VmIndex.open(directory);
    const lock = await index.create(draft("web"));
    // As it would be, were its process dead.
    await rm(join(directory, "locks", lock.record.id));
    expect((await make(index, "web")).name).toBe("web");
    expect(await index.reclaim()).toEqual([{ id: lock.record.id, done: "removed" }]);
    expect((await find(index, "web")).id).not.toBe(lock.record.id);
    await checkWhole(index);
  });

  it("removes a folder without a record and a link to nowhere", async () => {
    const index = await VmIndex.open(directory);
    await mkdir(join(directory, "aaaaaaaaaaaa"));
    await symlink("bbbbbbbbbbbb", join(directory, "names", "web"));
    expect(await index.reclaim()).toEqual([{ id: "aaaaaaaaaaaa", done: "removed" }]);
    await make(index, "web");
    await checkWhole(index);
  });

  it("leaves a record alone that it cannot read", async () => {
    const index = await VmIndex.open(directory);
    const { id } = await make(index, "web");
    await writeFile(join(directory, id, "record.json"), "{");
    expect(await index.reclaim()).toEqual([]);
    expect(await index.list()).toEqual([]);
    await expect(index.lock(id)).rejects.toMatchObject({ code: "vm-record-broken" });
    await expect(make(index, "web")).rejects.toMatchObject({ code: "vm-name-taken" });
  });

  it("is put right whenever a process is killed that changes it", async () => {
    const index = await VmIndex.open(directory);
    for (let round = 0; round < 8; round++) {
      const children = ["a", "b"].map((seed) => start(seed));
      await Promise.all(children.map(({ lines }) => lines.next()));
      await after(Math.random() * 120);
      for (const child of children) {
        child.kill("SIGKILL");
        await once(child, "exit");
      }
      await index.reclaim();
      await checkWhole(index);
      expect(await readdir(join(directory, "locks"))).toEqual([]);
    }
  }, 60_000);

  it("gives a name to one of several processes that want it at once", async () => {
    await VmIndex.open(directory);
    const children = Array.from({ length: 4 }, () => start("wanted", "race"));
    await Promise.all(children.map(({ lines }) => lines.next()));
    for (const child of children) child.stdin?.write("go\n");
    const said = await Promise.all(children.map(async ({ lines }) => (await lines.next()).value as string));
    expect(said.filter((line) => line.startsWith("made "))).toHaveLength(1);
    expect(said.filter((line) => line === "vm-name-taken")).toHaveLength(3);
    const index = await VmIndex.open(directory);
    await index.reclaim();
    await checkWhole(index);
  }, 30_000);
});
