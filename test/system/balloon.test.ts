/** Machines with a balloon give back what their guests free, and never touch what others are resumed from. */
import { createHash } from "node:crypto";
import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Scope } from "../../src/base/scope.ts";
import { MachinePool } from "../../src/sandbox/machine-pool.ts";
import type { Sandbox } from "../../src/sandbox/sandbox.ts";
import type { VirtualMachine } from "../../src/vm/virtual-machine.ts";
import { Boxcar } from "./boxcar.ts";
import { Sandboxes, taskOf } from "./sandboxes.ts";

const MEMORY_MIB = 512;
const FILLED_MIB = 200;
const MACHINE = { memory: MEMORY_MIB, cores: 1 };
const REASON = "it boots, because a guest that gives memory back could damage a snapshot that others share";

let boxcar: Boxcar;
let sandboxes: Sandboxes;

beforeAll(async () => {
  boxcar = await Boxcar.open({ ownImages: "default" });
  sandboxes = await Sandboxes.open(boxcar);
});

afterAll(async () => {
  await sandboxes[Symbol.asyncDispose]();
  expect(await boxcar.leftovers()).toEqual([]);
  await boxcar[Symbol.asyncDispose]();
});

/** What the snapshots consist of, but when they were last used: a line per file, with its blocks on the disk. */
async function snapshotFiles(): Promise<string[]> {
  const parent = join(boxcar.directory, "images/snapshots");
  const names = (await readdir(parent, { recursive: true })).filter((name) => !name.endsWith("last-used"));
  const lines = names.sort().map(async (name) => {
    const { blocks, mtimeMs } = await stat(join(parent, name));
    const content = await readFile(join(parent, name)).catch(() => "");
    return `${name} ${blocks} ${mtimeMs} ${createHash("sha256").update(content).digest("hex")}`;
  });
  return await Promise.all(lines);
}

async function residentMiB({ pid }: VirtualMachine): Promise<number> {
  const [, kibibytes] = /^Rss: +(\d+) kB$/m.exec(await readFile(`/proc/${pid}/smaps_rollup`, "utf8")) ?? [];
  return Number(kibibytes) / 1_024;
}

describe("a machine with a balloon", () => {
  it("boots beside a snapshot of the same machine without, and gives what its guest frees back to the host", async () => {
    await using scope = new Scope();
    const acquireImage = (digest: string) => sandboxes.store.acquire(digest);
    const pool = scope.use(new MachinePool({ machines: 1, memory: 2_048, maxIdleMs: 3_600_000, acquireImage }));
    const { snapshot } = await sandboxes.run("true", { memory: MEMORY_MIB });
    expect(snapshot).toBeDefined();
    const before = await snapshotFiles();
    sandboxes.notes.length = 0;

    const start = async (disks: number, options: Parameters<Sandboxes["startWithDisks"]>[1]) =>
      scope.use(await sandboxes.startWithDisks(disks, { memory: MEMORY_MIB, ...options })).sandbox;
    const plain = await start(0, {});
    // With as many other devices as there can be: the tables of the BIOS grow with them.
    const ballooned = await start(8, { pool, machine: { balloon: true, sound: "AC97" } });
    expect(plain.snapshot?.id).toBe(snapshot);
    expect(ballooned.snapshot).toBeUndefined();
    expect(sandboxes.notes).toEqual([REASON]);

    const run = async ({ guest }: Sandbox, script: string, more = true) =>
      expect(await guest.run(taskOf(script), { more })).toMatchObject({ exitCode: 0 });
    const fill = `head -c ${FILLED_MIB}M /dev/zero > /run/filled`;
    const filledMiB: number[] = [];
    for (const sandbox of [plain, ballooned]) {
      await run(sandbox, fill);
      filledMiB.push(await residentMiB(sandbox.vm));
      await run(sandbox, "rm /run/filled");
    }
    const [plainMiB = 0, balloonedMiB = 0] = filledMiB;
    const fallen = expect.poll(() => residentMiB(ballooned.vm), { timeout: 120_000, interval: 100 });
    await fallen.toBeLessThan(balloonedMiB - 0.8 * FILLED_MIB);
    // It freed the same before.
    expect(await residentMiB(plain.vm)).toBeGreaterThan(plainMiB - 0.1 * FILLED_MIB);
    // What was given back can be had again.
    await run(ballooned, `${fill} && test $(stat -c %s /run/filled) = ${FILLED_MIB * 1_048_576}`, false);

    await pool.settled();
    expect(pool.size).toBe(0);
    expect(await snapshotFiles()).toEqual(before);
  });

  it("is never captured: a task that names it boots, and no snapshot can be made for it ahead", async () => {
    const run = (machine: object) => boxcar.runTask({ command: ["true"], machine: { ...MACHINE, ...machine } });
    expect((await run({})).result).toMatchObject({ state: "completed", start: "resumed" });
    const before = await snapshotFiles();
    for (const _time of [1, 2]) {
      const { result, stderr } = await run({ balloon: true });
      expect(result).toMatchObject({ state: "completed", start: "booted" });
      expect(stderr).toContain(REASON);
    }
    const task = join(boxcar.directory, "balloon.json");
    await writeFile(task, JSON.stringify({ command: ["true"], machine: { ...MACHINE, balloon: true } }));
    const warmed = await boxcar.run(["image", "warm", "debian-minimal", "--task", task]);
    expect(warmed.exitCode).not.toBe(0);
    expect(warmed.stderr).toContain(REASON);
    expect(await snapshotFiles()).toEqual(before);
  });
});

it.each(["pc", "microvm"] as const)("the default image has a driver for the balloon on %s", async (chipset) => {
  const command = ["ls", "/sys/bus/virtio/drivers/virtio_balloon/"];
  const run = await boxcar.runTask({ command, machine: { ...MACHINE, chipset, balloon: true } });
  expect(run.result, run.stderr).toMatchObject({ state: "completed", start: "booted" });
  expect(run.stdout).toMatch(/^virtio\d+$/m);
});
