import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { MachinePool, type MachinePoolOptions } from "../../src/sandbox/machine-pool.ts";
import { Boxcar } from "./boxcar.ts";
import { Sandboxes } from "./sandboxes.ts";

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

const HOURS = 3_600_000;

function openPool(limits: Partial<MachinePoolOptions> = {}): MachinePool {
  const acquireImage = (digest: string) => sandboxes.store.acquire(digest);
  return new MachinePool({ machines: 2, memory: 2_048, maxIdleMs: 2 * HOURS, acquireImage, ...limits });
}

const IDENTITY = "cat /etc/machine-id; head -c 8 /dev/urandom | od -An -tx1; date +%s";

describe("a pool", () => {
  it("gives a task a machine that waits, and makes another one", async () => {
    await using pool = openPool();
    await sandboxes.run("true", { pool });
    await pool.settled();
    expect(pool.size).toBe(2);
    const waiting = await boxcar.machines();
    const begin = Date.now() / 1_000;
    const [one, two] = [await sandboxes.run(IDENTITY, { pool }), await sandboxes.run(IDENTITY, { pool })];
    expect(waiting).toContain(one.pid);
    expect(one.success && two.success).toBe(true);
    const [lines, others] = [one, two].map(({ output }) => output.split("\n")) as [string[], string[]];
    expect(lines[0]).not.toBe(others[0]);
    expect(lines[1]).not.toBe(others[1]);
    expect(Number(lines[2])).toBeGreaterThan(begin - 1);
    await pool.settled();
    expect(pool.size).toBe(2);
    expect(await boxcar.machines()).toHaveLength(2);
  });

  it("keeps what is asked for, within its memory", async () => {
    await using pool = openPool({ machines: 3, memory: 600 });
    await sandboxes.run("true", { pool, memory: 300 });
    await pool.settled();
    expect(pool.size).toBe(2);
    await sandboxes.run("true", { pool });
    await sandboxes.run("true", { pool });
    await pool.settled();
    // One of 256 MiB for two tasks, one of 300 for one.
    expect(pool.size).toBe(2);
    const before = await boxcar.machines();
    const { pid } = await sandboxes.run("true", { pool });
    expect(before).toContain(pid);
  });

  it("does without a machine that died while it waited", async () => {
    await using pool = openPool({ machines: 1 });
    await sandboxes.run("true", { pool });
    await pool.settled();
    const [pid] = await boxcar.machines();
    process.kill(pid as number, "SIGKILL");
    await vi.waitFor(() => expect(pool.size).toBe(0));
    sandboxes.notes.length = 0;
    const { success, snapshot } = await sandboxes.run("true", { pool });
    expect(success).toBe(true);
    expect(snapshot).toBeDefined();
    // The snapshot is not to blame.
    expect(sandboxes.notes).toEqual([]);
  });

  it("throws away what has waited too long", async () => {
    await using pool = openPool({ machines: 1, maxIdleMs: 1 });
    await sandboxes.run("true", { pool });
    await pool.settled();
    expect(pool.size).toBe(0);
    expect(await boxcar.machines()).toEqual([]);
  });

  it("leaves nothing when it is closed, even while it fills", async () => {
    const pool = openPool({ machines: 2 });
    await sandboxes.run("true", { pool });
    await pool[Symbol.asyncDispose]();
    expect(await boxcar.machines()).toEqual([]);
    expect(pool.size).toBe(0);
  });
});
